import { dividedBy } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { ids } from "../support/data-set.ts";
import { countByStatus, runOpenLoop, secondsUntilLast } from "../support/open-loop.ts";
import { rounds } from "../support/rounds.ts";
import { insertItems, itemSet } from "../support/sales.ts";
import { souk, type System } from "../support/systems.ts";

const buyers = 1_000;
const targets = [
  { target: "one item", items: 1 },
  { target: "an item each", items: buyers },
];

export default {
  name: "burst",
  description: `${buyers.toLocaleString("en")} buyers at once, of one item and of as many items`,

  async run(): Promise<Outcome> {
    const market = await souk();
    try {
      const tokens = await Promise.all(ids(buyers).map((id) => market.token(id)));
      const measured = await rounds(targets, ({ items }, round) =>
        burst(market, tokens, items, `burst-${round}-${items}`),
      );
      const [one, each] = targets.map((target) => measured.get(target)!);
      return {
        figures: targets.map((target) => ({
          system: market.name,
          metric: `last response, ${target.target}`,
          unit: "s",
          values: measured.get(target)!,
        })),
        ratios: [
          {
            name: "last response, one item",
            against: "an item each",
            values: dividedBy(one!, each!),
            goal: { atMost: 1.5 },
          },
        ],
        notes: [
          "With one item, one buyer got 200 and all other buyers 404, in each round. With an item each, all got 200.",
        ],
      };
    } finally {
      await market.stop();
    }
  },
} satisfies Row;

/** Seconds until the last of all buyers, with `count` items, has a response. */
async function burst(market: System, tokens: string[], count: number, run: string) {
  const items = itemSet(run, count);
  await insertItems(market, items);
  const path = count === 1 ? items.path.replace("#", "0") : items.path;
  const responses = await runOpenLoop({ api: market.api, path, count: buyers, tokens });
  const statuses = countByStatus(responses);
  const { 200: sold = 0, 404: late = 0 } = statuses;
  if (sold !== count || sold + late !== buyers)
    throw new Error(`${buyers} buyers of ${count} items got ${JSON.stringify(statuses)}.`);
  return secondsUntilLast(responses);
}
