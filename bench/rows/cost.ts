import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { byHand, indexAsSouk, souk, type Contestant } from "../support/contestants.ts";
import { Messages } from "../support/messages.ts";
import { cpuOf } from "../support/process.ts";
import { rounds, stopAll } from "../support/rounds.ts";
import { sellAll } from "../support/sales.ts";

const count = 3_000;
const connections = 64;
const roles = ["api", "market", "notifications"] as const;

export default {
  name: "cost",
  what: "what a million sales cost: CPU and messages, by service",

  async run(): Promise<Outcome> {
    // Counted apart: whoever counts is on the way, and costs those who are counted something.
    const messages = [await messagesOf("souk", souk), await messagesOf("by hand", byHand)];
    const contestants = [await souk(), await byHand()];
    const [ours, theirs] = contestants as [Contestant, Contestant];
    try {
      await indexAsSouk(ours, theirs);
      const measured = await rounds(contestants, async (one, round) => {
        const before = cpus(one);
        await sellAll(one, `round-${round}`, { count, connections });
        return cpus(one).map((seconds, n) => ((seconds - before[n]!) / count) * 1e6);
      });
      const of = (one: Contestant, n: number) => measured.get(one)!.map((seconds) => seconds[n]!);
      const sum = (one: Contestant) =>
        measured.get(one)!.map((seconds) => seconds.reduce((all, some) => all + some, 0));
      return {
        figures: [
          ...contestants.flatMap((one) => [
            { who: one.who, what: "CPU for a million sales", unit: "s", values: sum(one) },
            ...roles.map((role, n) => ({
              who: `${one.who}, ${role}`,
              what: "CPU for a million sales",
              unit: "s",
              values: of(one, n),
            })),
          ]),
          ...messages.flat(),
        ],
        ratios: [
          {
            name: "CPU a sale",
            against: "by hand",
            values: dividedBy(sum(ours), sum(theirs)),
            goal: {},
          },
        ],
        notes: [
          `${count} sales a round at ${connections} connections, each with its notice stored and its debt told; the servers' own CPU is not counted.`,
          "Messages are those that a service publishes, with heartbeats and whatever else it says meanwhile.",
        ],
      };
    } finally {
      await stopAll(contestants);
    }
  },
} satisfies Row;

/** Seconds so far, by role. */
const cpus = ({ nodes }: Contestant) => roles.map((role) => cpuOf(nodes[role]!.child.pid!));

async function messagesOf(
  who: string,
  start: (env: (role: string) => Record<string, string>) => Promise<Contestant>,
) {
  const counters = new Map<string, Messages>();
  for (const role of ["users", ...roles]) counters.set(role, await Messages.counted());
  const contestant = await start((role) => ({ AMQP_URL: counters.get(role)!.url }));
  try {
    const published = () => roles.map((role) => counters.get(role)!.published);
    await sellAll(contestant, "warm-up", { count: 500, connections });
    const before = published();
    await sellAll(contestant, "messages", { count, connections });
    const after = published();
    return roles.map((role, n) => ({
      who: `${who}, ${role}`,
      what: "AMQP messages a sale",
      unit: "",
      values: [(after[n]! - before[n]!) / count],
    }));
  } finally {
    await contestant.stop();
    for (const counter of counters.values()) await counter.close();
  }
}
