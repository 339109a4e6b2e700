import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { bare, byHand, indexAsSouk, souk, withoutDebts } from "../support/contestants.ts";
import { rounds } from "../support/rounds.ts";
import { sellAll } from "../support/sales.ts";

const count = 3_000;
const connections = 64;

export default {
  name: "buys",
  what: "sustained buys/s of a cluster at 64 connections, until every notice is stored and every debt told",
  isFirst: true,

  async run(): Promise<Outcome> {
    const ours = await souk();
    const [floor, expert] = [await bare(), await byHand()];
    const promises = new Map([
      [ours, { stores: true, owes: true }],
      [floor, { stores: false, owes: false }],
      [expert, { stores: true, owes: true }],
    ]);
    const contestants = [...promises.keys()];
    try {
      await indexAsSouk(ours, floor, withoutDebts);
      await indexAsSouk(ours, expert);

      const measured = await rounds(contestants, 5, (one, round) =>
        sellAll(one, `round-${round}`, { count: round ? count : count / 3, connections }, promises.get(one)!),
      );

      const rates = (one: typeof ours) => measured.get(one)!.map(({ untilTold }) => count / untilTold);
      const cpu = Math.max(...[...measured.values()].flat().map(({ cpu }) => cpu));
      return {
        figures: contestants.map((one) => ({ who: one.who, what: "buys", unit: "1/s", values: rates(one) })),
        ratios: [
          { name: "buys/s", against: "bare", values: dividedBy(rates(ours), rates(floor)), goal: { atLeast: 0.5 } },
          { name: "buys/s", against: "by hand", values: dividedBy(rates(ours), rates(expert)), goal: { atLeast: 1.3 } },
        ],
        notes: [
          `${count} buys a round, each of an item of its own; every answer was 200, and as many items were sold, notices stored and debts told.`,
          "Bare stores no notice and owes nobody; both references keep the indexes that Souk's lists need.",
          `The load took ${Math.round(cpu * 100)} % of one core at most.`,
        ],
      };
    } finally {
      for (const one of contestants) await one.stop();
    }
  },
} satisfies Row;
