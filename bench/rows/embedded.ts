import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import {
  referenceEmbedded,
  sellAllEmbedded,
  soukEmbedded,
  type Embedded,
} from "../support/embedded.ts";
import { noteOfLoad, rounds, stopAll } from "../support/rounds.ts";
import { stockOf } from "../support/sales.ts";

const count = 5_000;

export default {
  name: "embedded",
  what: "buys/s of the market in one process over files at 64 connections, until every notice is stored and every debt told",
  isFirst: true,

  async run(): Promise<Outcome> {
    const stocks = Array.from({ length: 6 }, (_, round) => stockOf(`round-${round}`, count));
    const [ours, reference] = [await soukEmbedded(stocks), await referenceEmbedded(stocks)];
    try {
      const measured = await rounds([ours, reference], (one, round) =>
        sellAllEmbedded(one, `round-${round}`, stocks[round]!),
      );

      const rates = (one: Embedded) => measured.get(one)!.map(({ untilTold }) => count / untilTold);
      return {
        figures: [ours, reference].map((one) => ({
          who: one.who,
          what: "buys",
          unit: "1/s",
          values: rates(one),
        })),
        ratios: [
          {
            name: "buys/s",
            against: reference.who,
            values: dividedBy(rates(ours), rates(reference)),
            goal: { atLeast: 0.6 },
          },
        ],
        notes: [
          `${count} buys a round, each of an item of its own. Every answer was 200, and the files show as many debts told and notices stored.`,
          "The reference keeps no index but the relay's and the inboxes'; Souk keeps those of its lists.",
          noteOfLoad(measured),
        ],
      };
    } finally {
      await stopAll([ours, reference]);
    }
  },
} satisfies Row;
