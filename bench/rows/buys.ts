import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import {
  bare,
  byHand,
  indexAsSouk,
  souk,
  stock,
  withoutDebts,
  type Contestant,
} from "../support/contestants.ts";
import { noteOfLoad, rounds, stopAll } from "../support/rounds.ts";
import { sellAll, type Promises } from "../support/sales.ts";

const count = 3_000;
/** Stock sells a few a second, however many ask. */
const few = 48;

export default {
  name: "buys",
  what: "sustained buys/s of a cluster at 64 connections, until every notice is stored and every debt told",
  isFirst: true,

  async run(): Promise<Outcome> {
    const [ours, floor, expert, defaults] = [
      await souk(),
      await bare(),
      await byHand(),
      await stock(),
    ];
    const promises = new Map<Contestant, Promises>([
      [ours, { stores: true, owes: true }],
      [floor, { stores: false, owes: false }],
      [expert, { stores: true, owes: true }],
      [defaults, { stores: true, owes: false }],
    ]);
    const contestants = [...promises.keys()];
    try {
      await indexAsSouk(ours, expert);
      for (const other of [floor, defaults]) await indexAsSouk(ours, other, withoutDebts);

      const countOf = (one: Contestant, round: number) =>
        one === defaults ? few : round === 0 ? count / 3 : count;
      const measured = await rounds(contestants, (one, round) =>
        sellAll(
          one,
          `round-${round}`,
          { count: countOf(one, round), connections: 64 },
          promises.get(one)!,
        ),
      );

      const rates = (one: Contestant) =>
        measured.get(one)!.map(({ untilTold }) => countOf(one, 1) / untilTold);
      return {
        figures: contestants.map((one) => ({
          who: one.who,
          what: "buys",
          unit: "1/s",
          values: rates(one),
        })),
        ratios: [
          {
            name: "buys/s",
            against: "bare",
            values: dividedBy(rates(ours), rates(floor)),
            goal: { atLeast: 0.5 },
          },
          {
            name: "buys/s",
            against: "by hand",
            values: dividedBy(rates(ours), rates(expert)),
            goal: { atLeast: 1.3 },
          },
        ],
        notes: [
          `${count} buys a round (stock: ${few}), each of an item of its own. Every answer was 200, and as many items were sold, notices stored and debts told.`,
          "Bare stores no notice and owes nobody; stock stores notices and owes nobody. All keep the indexes that Souk's lists need.",
          noteOfLoad(measured),
        ],
      };
    } finally {
      await stopAll(contestants);
    }
  },
} satisfies Row;
