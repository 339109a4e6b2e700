/**
 * Compares Souk with hand-written references, in one run: `npm run bench` runs the default rows, `npm run bench -- all` all of them, and
 * `npm run bench -- NAME …` those named. Prints each row when it ends and writes it to docs/benchmarks.md. Rows run one after another;
 * when one fails, its section stays as it was.
 */
import { readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { nodeOptions } from "../bin/processes/node-process.ts";
import { section, withSection } from "./report.ts";
import type { Row } from "./row.ts";
import { rows } from "./rows.ts";
import { serverVersions, stopServers } from "./support/servers.ts";

const page = join(import.meta.dirname, "../docs/benchmarks.md");
const names = rows.map(({ name }) => name);
const requested = process.argv.slice(2);

const unknown = requested.filter((name) => name !== "all" && !names.includes(name));
if (unknown.length > 0) {
  console.error(
    `Unknown row: ${unknown.join(", ")}. The rows are ${names.join(", ")}; "all" runs all of them.`,
  );
  process.exit(1);
}
// Each child process of a row adds an exit handler.
process.setMaxListeners(100);
const isRequested = ({ name, isDefault = false }: Row) =>
  requested.length === 0 ? isDefault : requested.includes("all") || requested.includes(name);

try {
  const header = await headerOf();
  for (const row of rows.filter(isRequested)) {
    const outcome = await row.run().catch((error: unknown) => {
      console.error(`\nThe row ${row.name} failed:`, error);
      process.exitCode = 1;
    });
    if (!outcome) continue;
    const text = section(row, outcome, new Date().toISOString().slice(0, 10));
    console.log(`\n${text}`);
    await writeFile(
      page,
      withSection(await readFile(page, "utf8").catch(() => ""), header, names, row.name, text),
    );
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await stopServers();
  // Ends the child processes of a row that failed.
  process.exit();
}

async function headerOf(): Promise<string> {
  const { rabbit, mongo } = await serverVersions();
  const [{ model = "unknown" } = {}, { length: cores }] = [cpus()[0], cpus()];
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  return `# Benchmarks

Measured by \`npm run bench\`: Souk and the references in [\`bench/references\`](../bench/references), in the same run and in turn, round after round. A ratio is Souk's value divided by a reference's value of the same round, or by another value of Souk where a row says so; the goal applies to its median. Values with a database are comparable inside one run only.

- Machine: ${model}, ${cores} cores, ${memory}, Linux ${release()}; load generators, servers and all systems share it over loopback
- Node ${process.version} with ${nodeOptions.join(" ")}, the references too; Moleculer ${ServiceBroker.MOLECULER_VERSION}, ${rabbit}
- Database: ${mongo}; writes are journaled by a majority
- bare: node:http, amqplib and the conditional write only
- by hand: the same guarantees as Souk, without a framework
- stock: Moleculer, moleculer-web and moleculer-io with their defaults
- node:http + SQLite: one process over files, with the same guarantees
- The rows embedded, start, growth, backlog and event-loop measure an embedded market, which uses neither RabbitMQ nor MongoDB. The other rows measure a cluster. A stand-in for MongoDB reads all that matches before it sorts, and commits at another price: of the rows on a cluster, only the ratios to references over the same database mean something there (buys, latency, delivery-latency, reads, cost), and sockets, reconnect, burst, overload and soak for Souk's own processes. cluster-backlog shows Souk's scheduling, not a database's speed; growth is measured on SQLite only`;
}
