/**
 * Souk beside what an expert writes by hand, in one run: `npm run bench` the first rows, `npm run bench -- all`, or
 * `npm run bench -- NAME …`. Prints each row as it ends and puts it in its place in docs/benchmarks.md. Rows run one after another, and one
 * that fails leaves its section as it was.
 */
import { readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { nodeOptions } from "../bin/processes/node-process.ts";
import { section, withSection } from "./report.ts";
import { rows } from "./rows.ts";
import { serverVersions, stopServers } from "./support/servers.ts";

const page = join(import.meta.dirname, "../docs/benchmarks.md");
const names = rows.map(({ name }) => name);
const asked = process.argv.slice(2);

const unknown = asked.filter((name) => name !== "all" && !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(", ")}: there are ${names.join(", ")}, and all.`);
  process.exit(1);
}
// Each process that a row starts is ended with this one.
process.setMaxListeners(100);
const isAsked = (name: string, isFirst = false) =>
  asked.length === 0 ? isFirst : asked.includes("all") || asked.includes(name);

try {
  const header = await headerOf();
  for (const row of rows.filter(({ name, isFirst }) => isAsked(name, isFirst))) {
    const outcome = await row.run().catch((error: unknown) => {
      console.error(`\n${row.name} has no result:`, error);
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
  // What a row that failed has left running ends with this process.
  process.exit();
}

async function headerOf(): Promise<string> {
  const { rabbit, mongo } = await serverVersions();
  const [{ model = "unknown" } = {}, { length: cores }] = [cpus()[0], cpus()];
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  return `# Benchmarks

Measured by \`npm run bench\`: Souk beside the references in [\`bench/references\`](../bench/references), in the same run and in turn, round after round. A ratio is Souk's figure divided by a reference's in the same round, or by its own of the same run where a row says so; the goal is held against its median. Figures with a database are comparable inside one run only.

- Machine: ${model}, ${cores} cores, ${memory}, Linux ${release()}; load, servers and all contestants share it over loopback
- Node ${process.version} with ${nodeOptions.join(" ")}, the references too; Moleculer ${ServiceBroker.MOLECULER_VERSION}, ${rabbit}
- Database: ${mongo}; writes are journaled by a majority
- bare: node:http, amqplib and the conditional write, nothing else
- by hand: the same promises as Souk's, without a framework
- stock: Moleculer, moleculer-web and moleculer-io with their defaults
- embedded: node:http and NeDB in one process, with the same promises`;
}
