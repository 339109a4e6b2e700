import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { souk, type Contestant } from "../support/contestants.ts";
import { load } from "../support/generator.ts";
import { fill, forSale, ids, noticesOf, rare } from "../support/goods.ts";
import { rounds, stopAll } from "../support/rounds.ts";
import { stopServers } from "../support/servers.ts";
import { stock, stockOf } from "../support/sales.ts";

/** GROWTH_ITEMS is for a database that cannot be filled with a million while one waits. */
const million = 1_000_000;
const sizes = {
  small: { items: 1_000, notices: 10, unread: 10 },
  large: { items: Number(process.env.GROWTH_ITEMS) || million, notices: 100_000, unread: 1_000 },
};
type Size = keyof typeof sizes;

const reader = "reader";
/** Rows of a page; no more than the small inbox has, so that both are asked for the same. */
const limit = 10;

/** What is asked in a round, so many times one after the other. */
interface Question {
  count: number;
  method: "GET" | "POST";
  path(run: string): string;
}

const wares = (run: string) => stockOf(run, 200);

const questions = {
  buy: { count: 200, method: "POST", path: (run) => wares(run).path },
  list: { count: 50, method: "GET", path: () => `/market/items?limit=${limit}` },
  search: {
    count: 50,
    method: "GET",
    path: () => `/market/items?limit=${limit}&search=${rare.title.replace(" ", "+")}`,
  },
  inbox: { count: 50, method: "GET", path: () => `/notifications?limit=${limit}` },
  "unread inbox": {
    count: 50,
    method: "GET",
    path: () => `/notifications?unread=true&limit=${limit}`,
  },
} satisfies Record<string, Question>;
type Name = keyof typeof questions;
const names = Object.keys(questions) as Name[];

/** Medians of a round (ms). */
type Medians = Record<Name, number>;

export default {
  name: "growth",
  what: `from 1,000 items to ${sizes.large.items.toLocaleString("en")}, and from 10 notices in an inbox to 100,000`,

  async run(): Promise<Outcome> {
    // A million is filled into a database that holds nothing of other rows.
    await stopServers();
    const markets = { small: await souk(), large: await souk() };
    const sizesOf = Object.keys(sizes) as Size[];
    try {
      for (const size of sizesOf) {
        const { items, notices, unread } = sizes[size];
        await fill(markets[size].items, forSale(items, ids(items / 10)));
        await fill(markets[size].notices, noticesOf(reader, notices, unread));
      }
      const failed = new Set<string>();
      const measured = await rounds(sizesOf, (size, round) =>
        ask(markets[size], `round-${round}`, failed),
      );
      const p50 = (size: Size, name: Name) => measured.get(size)!.map((one) => one[name]);
      return {
        figures: names.flatMap((name) =>
          sizesOf.map((size) => ({
            who: `souk, ${size}`,
            what: `${name}, p50`,
            unit: "ms",
            values: p50(size, name),
          })),
        ),
        ratios: names.map((name) => ({
          name: `${name}, p50`,
          against: "souk, small",
          values: dividedBy(p50("large", name), p50("small", name)),
          goal: { atMost: 1.3 },
        })),
        notes: [
          `Two markets side by side, asked in turn, one request at a time, for ${limit} rows a page. ${rare.count} items carry the words that are searched for, in either.`,
          `In the inbox ${sizes.small.unread} of ${sizes.small.notices} notices are unread, and ${sizes.large.unread.toLocaleString("en")} of ${sizes.large.notices.toLocaleString("en")}.`,
          "Round 0 warms up. The first of 50 answers may read more: later ones ask no further than that page reached (docs/decisions/008). It is answered 503 where that takes the database too long.",
          ...(sizes.large.items === million
            ? []
            : [`Measured with GROWTH_ITEMS=${sizes.large.items}; without it there are a million.`]),
          ...[...failed].map((why) => `Not all was answered in ${why}`),
        ],
      };
    } finally {
      await stopAll(Object.values(markets));
    }
  },
} satisfies Row;

/** None, and why, of what was not always answered. */
async function ask(market: Contestant, run: string, failed: Set<string>): Promise<Medians> {
  await stock(market, wares(run));
  const tokens = [await market.token(reader)];
  const medians = {} as Medians;
  for (const name of names) {
    const { method, path, count }: Question = questions[name];
    const order = { api: market.api, method, path: path(run), count, connections: 1, tokens };
    const answered = await load(order).then(
      (done) => done.answered,
      (error: Error) => void failed.add(`${run}, ${error.message.replace(market.api, "")}`),
    );
    medians[name] = answered ? percentile(answered, 0.5) : NaN;
  }
  return medians;
}
