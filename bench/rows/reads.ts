import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { bare, indexAsSouk, souk, withoutDebts, type Contestant } from "../support/contestants.ts";
import { load } from "../support/generator.ts";
import { noteOfLoad, rounds, stopAll } from "../support/rounds.ts";
import { stock, stockOf } from "../support/sales.ts";

const count = 4_000;

export default {
  name: "reads",
  what: "GET /market/items, answers/s of a cluster at 64 connections",
  isFirst: true,

  async run(): Promise<Outcome> {
    const [ours, floor] = [await souk(), await bare()];
    try {
      await indexAsSouk(ours, floor, withoutDebts);
      for (const one of [ours, floor]) await stock(one, stockOf("shown", 2_000));

      const measured = await rounds([ours, floor], ({ api }) =>
        load({ api, method: "GET", path: "/market/items", count, connections: 64, tokens: [] }),
      );

      const rates = (one: Contestant) => measured.get(one)!.map(({ seconds }) => count / seconds);
      return {
        figures: [ours, floor].map((one) => ({
          who: one.who,
          what: "answers",
          unit: "1/s",
          values: rates(one),
        })),
        ratios: [
          {
            name: "answers/s",
            against: "bare",
            values: dividedBy(rates(ours), rates(floor)),
            goal: { atLeast: 0.6 },
          },
        ],
        notes: [
          `${count} requests a round for the newest 20 of 2,000 items; every answer was 200.`,
          noteOfLoad(measured),
        ],
      };
    } finally {
      await stopAll([ours, floor]);
    }
  },
} satisfies Row;
