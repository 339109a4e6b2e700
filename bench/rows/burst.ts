import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { souk } from "../support/contestants.ts";
import { ids } from "../support/goods.ts";
import { rounds } from "../support/rounds.ts";
import { stock, stockOf } from "../support/sales.ts";
import { tally, visits } from "../support/visits.ts";

const buyers = 1_000;

export default {
  name: "rush",
  what: `${buyers.toLocaleString("en")} buyers in the same instant, of one item and of as many items`,

  async run(): Promise<Outcome> {
    const market = await souk();
    try {
      const tokens = await Promise.all(ids(buyers).map((id) => market.token(id)));
      const kinds = [
        { of: "one item", sold: 1 },
        { of: "an item each", sold: buyers },
      ];
      const measured = await rounds(kinds, async ({ sold }, round) => {
        const wares = stockOf(`rush-${round}-${sold}`, sold);
        await stock(market, wares);
        const path = sold === 1 ? wares.path.replace("#", "0") : wares.path;
        const got = await visits({ api: market.api, path, count: buyers, tokens });
        const { 200: ok = 0, 404: late = 0 } = tally(got);
        if (ok !== sold || ok + late !== buyers)
          throw new Error(`Of ${buyers} buyers at ${sold} items: ${JSON.stringify(tally(got))}.`);
        return Math.max(...got.map(({ begun, took }) => begun + took)) / 1000;
      });
      const [one, each] = kinds.map((kind) => measured.get(kind)!);
      return {
        figures: kinds.map((kind) => ({
          who: "souk",
          what: `last answer, ${kind.of}`,
          unit: "s",
          values: measured.get(kind)!,
        })),
        ratios: [
          {
            name: "last answer, one item",
            against: "an item each",
            values: dividedBy(one!, each!),
            goal: { atMost: 1.5 },
          },
        ],
        notes: [
          "Of one item one buyer got 200 and all others 404, in each round; of an item each, all got 200.",
        ],
      };
    } finally {
      await market.stop();
    }
  },
} satisfies Row;
