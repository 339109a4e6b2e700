/**
 * Says what is wrong with a market: `npm run doctor [-- SERVICE …] [-- --fix]`. It reads the environment of a node (with the
 * named services; without names, SERVICES or all), and checks everything that this names: settings, keys, RabbitMQ, databases, nodes,
 * clocks and outboxes, or the files of an embedded market, also while it runs. `--fix` drops superseded indexes and makes missing ones.
 * Exits with 1 when something is wrong, and ends within about 30 s without a repair.
 */
import { toTable, type Finding } from "./doctor/finding.ts";
import { readSettings } from "./doctor/settings.ts";

const args = process.argv.slice(2);
const mayRepair = args.includes("--fix");
const names = args.filter((arg) => arg !== "--fix");
if (names.length > 0) process.env.SERVICES = names.join(",");

const settings = readSettings(process.env);
const { amqpUrl, databases, dataDir } = settings;
const checks: Promise<Finding[]>[] = [];
if (dataDir !== undefined) {
  const { checkFiles } = await import("./doctor/files.ts");
  checks.push(...checkFiles({ ...settings, dataDir }));
}
if (Object.keys(databases).length > 0) {
  const { checkDatabases } = await import("./doctor/mongodb.ts");
  checks.push(...checkDatabases(settings, mayRepair));
}
if (amqpUrl !== undefined) {
  const { checkRabbit } = await import("./doctor/rabbitmq.ts");
  const { checkNodes } = await import("./doctor/nodes.ts");
  // The nodes' part empties the environment, so it comes last.
  checks.push(checkRabbit(settings), checkNodes(settings));
}
const findings = [...settings.findings, ...(await Promise.all(checks)).flat()];
console.log(toTable(findings));
process.exit(findings.some(({ state }) => state === "wrong") ? 1 : 0);
