import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { souk, type Contestant } from "../support/contestants.ts";
import { load } from "../support/generator.ts";
import { fill, forSale, ids, noticesOf } from "../support/goods.ts";
import { rounds, stopAll } from "../support/rounds.ts";
import { stock, stockOf } from "../support/sales.ts";

const sizes = {
  small: { items: 1_000, notices: 10, unread: 10 },
  large: { items: 1_000_000, notices: 100_000, unread: 1_000 },
};

/** Buys of a round. */
const buys = 200;
/** What is asked in a round, so many times one after the other. A search may take seconds. */
const questions = {
  buy: { method: "POST", path: "", count: buys },
  list: { method: "GET", path: "/market/items", count: 100 },
  search: { method: "GET", path: "/market/items?search=brass+tea", count: 10 },
  inbox: { method: "GET", path: "/notifications", count: 100 },
  "unread inbox": { method: "GET", path: "/notifications?unread=true", count: 100 },
} as const;
type Question = keyof typeof questions;

export default {
  name: "growth",
  what: "from 1,000 items to 1,000,000, and from 10 notices in an inbox to 100,000",

  async run(): Promise<Outcome> {
    const reader = "reader";
    const markets = { small: await souk(), large: await souk() };
    const sizesOf = Object.keys(sizes) as (keyof typeof sizes)[];
    try {
      for (const size of sizesOf) {
        const { items, notices, unread } = sizes[size];
        await fill(markets[size].items, forSale(items, ids(items / 10)));
        await fill(markets[size].notices, noticesOf(reader, notices, unread));
      }
      const failed = new Set<string>();
      const measured = await rounds(sizesOf, (size, round) => asked(markets[size], reader, `round-${round}`, failed));
      const p50 = (size: keyof typeof sizes, what: Question) => measured.get(size)!.map((one) => one[what]);
      const all = Object.keys(questions) as Question[];
      return {
        figures: all.flatMap((what) =>
          sizesOf.map((size) => ({ who: `souk, ${size}`, what: `${what}, p50`, unit: "ms", values: p50(size, what) })),
        ),
        ratios: all.map((what) => ({
          name: `${what}, p50`,
          against: "souk, small",
          values: dividedBy(p50("large", what), p50("small", what)),
          goal: { atMost: 1.3 },
        })),
        notes: [
          "Two markets side by side, asked in turn, one request at a time. All items carry the words that are searched for.",
          `In the inbox ${sizes.small.unread} of ${sizes.small.notices} notices are unread, and 1,000 of 100,000.`,
          ...[...failed].map((why) => `No number where ${why}`),
        ],
      };
    } finally {
      await stopAll(Object.values(markets));
    }
  },
} satisfies Row;

/** The median of each kind (ms); none, and why, of what was not always answered. */
async function asked(market: Contestant, reader: string, run: string, failed: Set<string>): Promise<Record<Question, number>> {
  const wares = stockOf(run, buys);
  await stock(market, wares);
  const tokens = [await market.token(reader)];
  const medians = {} as Record<Question, number>;
  for (const [what, { method, path, count }] of Object.entries(questions)) {
    const order = { api: market.api, method, path: path || wares.path, count, connections: 1, tokens };
    const answered = await load(order).then(
      (done) => done.answered,
      (error: Error) => void failed.add(error.message.replace(market.api, "")),
    );
    medians[what as Question] = answered ? percentile(answered, 0.5) : NaN;
  }
  return medians;
}
