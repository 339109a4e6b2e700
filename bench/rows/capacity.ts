import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Figure, Outcome, Row } from "../row.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { ids } from "../support/data-set.ts";
import { cpuSeconds } from "../support/process.ts";
import { insertItems, itemSet, sellAll } from "../support/sales.ts";
import { servers } from "../support/servers.ts";
import { SocketFleet } from "../support/socket-fleet.ts";
import { souk, type System } from "../support/systems.ts";

const rounds = 3;
const count = 3_000;
const connections = 64;
/** Notifications nodes of the two clusters that are compared. */
const nodes = { few: 1, many: 5 };
const sockets = 5_000;
/** Idle sockets are watched for this long (ms): the server asks each twice. */
const idleMs = 50_000;

type Process = "api" | "market" | "notifications" | "RabbitMQ";
type Cpu = Record<Process, number>;

export default {
  name: "capacity",
  description: "CPU of a sale, a read, a hint to another notifications node, and an open socket",

  async run(): Promise<Outcome> {
    const [few, many] = [await souk(), await souk(undefined, { notifications: nodes.many })];
    try {
      // Reads come first: the stand-in for MongoDB reads all items, and each sale adds one.
      await insertItems(few, itemSet("shown", 200));
      const reads = await inRounds(() => read(few));
      const sales = await inRounds(async (round) => ({
        few: await sale(few, `few-${round}`),
        many: await sale(many, `many-${round}`),
      }));
      const idle = await idleSockets(few);
      const figure = (system: Process, metric: string, values: number[]): Figure => ({
        system,
        metric,
        unit: "µs",
        values,
      });
      const perNode = (process: Process) =>
        sales.map((one) => (one.many[process] - one.few[process]) / (nodes.many - nodes.few));
      return {
        figures: [
          ...(["api", "market", "notifications", "RabbitMQ"] as const).map((process) =>
            figure(
              process,
              "CPU per sale",
              sales.map(({ few }) => few[process]),
            ),
          ),
          ...(["notifications", "RabbitMQ"] as const).map((process) =>
            figure(process, "CPU per sale and further node", perNode(process)),
          ),
          ...(["api", "market", "RabbitMQ"] as const).map((process) =>
            figure(
              process,
              "CPU per read",
              reads.map((read) => read[process]),
            ),
          ),
          figure("notifications", "CPU per open socket and second", [idle]),
        ],
        ratios: [],
        notes: [
          `${count} sales or reads a round at ${connections} connections. A further node: the difference between clusters of ${nodes.many} and of ${nodes.few} notifications nodes, over all of them, divided by ${nodes.many - nodes.few}.`,
          `${sockets.toLocaleString("en")} open sockets of different users, for ${idleMs / 1000} s in which nothing else happens. The CPU of the node without sockets is included.`,
          "docs/scale.md computes its plan from these figures.",
        ],
      };
    } finally {
      await few.stop();
      await many.stop();
    }
  },
} satisfies Row;

/** The results of all rounds. Round 0 warms up and does not count. */
async function inRounds<T>(measure: (round: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let round = 0; round <= rounds; round++) results.push(await measure(round));
  return results.slice(1);
}

/** The CPU (µs) of one of `count` sales, by process. */
const sale = (system: System, run: string) =>
  perUnit(system, count, () => sellAll(system, run, { count, connections }));

/** The CPU (µs) of one of `count` reads, by process. */
const read = (system: System) =>
  perUnit(system, count, () =>
    runClosedLoop({
      api: system.api,
      method: "GET",
      path: "/market/items",
      count,
      connections,
      tokens: [],
    }),
  );

/** The CPU (µs) of one open socket in a second. */
async function idleSockets(system: System): Promise<number> {
  const fleet = new SocketFleet();
  try {
    const tokens = await Promise.all(ids(sockets).map((id) => system.token(id)));
    await fleet.connect(system.sockets, tokens, 100);
    await pause(2_000);
    const used = await perUnit(system, (sockets * idleMs) / 1000, () => pause(idleMs));
    return used.notifications;
  } finally {
    fleet.end();
  }
}

async function perUnit(system: System, units: number, work: () => Promise<unknown>): Promise<Cpu> {
  const before = await cpuOf(system);
  await work();
  const after = await cpuOf(system);
  const used = (process: Process) => ((after[process] - before[process]) / units) * 1e6;
  return {
    api: used("api"),
    market: used("market"),
    notifications: used("notifications"),
    RabbitMQ: used("RabbitMQ"),
  };
}

/** CPU seconds since the start. RabbitMQ's are NaN when it runs elsewhere, at AMQP_URL. */
async function cpuOf({ nodes }: System): Promise<Cpu> {
  const of = (role: string) =>
    Object.entries(nodes)
      .filter(([name]) => name.split("-")[0] === role)
      .reduce((sum, [, { child }]) => sum + cpuSeconds(child.pid!), 0);
  const { rabbit } = await servers();
  const pid = "dir" in rabbit ? readFileSync(join(String(rabbit.dir), "pid"), "utf8") : undefined;
  return {
    api: of("api"),
    market: of("market"),
    notifications: of("notifications"),
    RabbitMQ: pid ? cpuSeconds(Number(pid)) : NaN,
  };
}
