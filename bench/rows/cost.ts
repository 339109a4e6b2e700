import { serviceNames } from "../../contracts/actions.ts";
import { dividedBy } from "../report.ts";
import type { Figure, Outcome, Row } from "../row.ts";
import { cpuSeconds } from "../support/process.ts";
import { PublishCounter } from "../support/publish-counter.ts";
import { rounds, stopAll } from "../support/rounds.ts";
import { sellAll } from "../support/sales.ts";
import { byHand, copyIndexes, souk, type System } from "../support/systems.ts";

const count = 3_000;
const connections = 64;
/** The services that take part in a sale. */
const roles = ["api", "market", "notifications"] as const;

export default {
  name: "cost",
  description: "the cost of a million sales: CPU and messages, by service",

  async run(): Promise<Outcome> {
    // Messages are counted in a run of their own, because the counting proxies cost the systems CPU.
    const messages = [await messageFigures("souk", souk), await messageFigures("by hand", byHand)];
    const [ours, expert] = [await souk(), await byHand()];
    const systems = [ours, expert];
    try {
      await copyIndexes(ours, expert);
      const measured = await rounds(systems, async (system, round) => {
        const before = cpuByRole(system);
        await sellAll(system, `round-${round}`, { count, connections });
        return cpuByRole(system).map((seconds, n) => ((seconds - before[n]!) / count) * 1e6);
      });
      const total = (system: System) =>
        measured.get(system)!.map((seconds) => seconds.reduce((sum, more) => sum + more, 0));
      return {
        figures: [
          ...systems.flatMap((system) =>
            cpuFigures(system.name, total(system), measured.get(system)!),
          ),
          ...messages.flat(),
        ],
        ratios: [
          {
            name: "CPU per sale",
            against: expert.name,
            values: dividedBy(total(ours), total(expert)),
            goal: {},
          },
        ],
        notes: [
          `${count} sales a round at ${connections} connections, each with its notice stored and delivered. The CPU of RabbitMQ and the database is not counted.`,
          "Messages are those that a service publishes, with heartbeats and all other messages of that time.",
        ],
      };
    } finally {
      await stopAll(systems);
    }
  },
} satisfies Row;

function cpuFigures(name: string, total: number[], byRole: number[][]): Figure[] {
  const metric = "CPU for a million sales";
  return [
    { system: name, metric, unit: "s", values: total },
    ...roles.map((role, n) => ({
      system: `${name}, ${role}`,
      metric,
      unit: "s",
      values: byRole.map((seconds) => seconds[n]!),
    })),
  ];
}

const cpuByRole = ({ nodes }: System) => roles.map((role) => cpuSeconds(nodes[role]!.child.pid!));

async function messageFigures(
  name: string,
  start: (env: (role: string) => Record<string, string>) => Promise<System>,
): Promise<Figure[]> {
  const counters = new Map<string, PublishCounter>();
  for (const role of serviceNames) counters.set(role, await PublishCounter.start());
  const system = await start((role) => ({ AMQP_URL: counters.get(role)!.url }));
  try {
    const published = () => roles.map((role) => counters.get(role)!.published);
    await sellAll(system, "warm-up", { count: 500, connections });
    const before = published();
    await sellAll(system, "messages", { count, connections });
    const after = published();
    return roles.map((role, n) => ({
      system: `${name}, ${role}`,
      metric: "AMQP messages per sale",
      unit: "",
      values: [(after[n]! - before[n]!) / count],
    }));
  } finally {
    await system.stop();
    for (const counter of counters.values()) await counter.close();
  }
}
