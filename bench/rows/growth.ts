import type { Collection } from "mongodb";
import { orderings, wanted } from "../../domain/catalogue.ts";
import { newestFirst } from "../../domain/inbox.ts";
import { sortOf } from "../../domain/page.ts";
import { sellable, sold } from "../../domain/sale.ts";
import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { souk, type Contestant } from "../support/contestants.ts";
import { load } from "../support/generator.ts";
import { fill, forSale, ids, noticesOf, rare } from "../support/goods.ts";
import { rounds, stopAll } from "../support/rounds.ts";
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

/** What is asked in a round, so many times one after the other: by HTTP, and as plain queries, n from 0. Some may take a second each. */
interface Question {
  count: number;
  method: "GET" | "POST";
  path(run: string): string;
  query(market: Contestant, run: string, n: number): Promise<unknown>;
}

const wares = (run: string) => stockOf(run, 200);
/** Those that are bought without Souk. */
const others = (run: string) => stockOf(`${run}-alone`, 200);

const list = ({ items }: Contestant, search?: string) => page(items, wanted({ search })!, sortOf(orderings.newest));
const inbox = ({ notices }: Contestant, which: object) =>
  Promise.all([
    page(notices, { userId: reader, ...which }, sortOf(newestFirst)),
    notices.countDocuments({ userId: reader, isRead: false }),
  ]);
/** As Souk asks: one more tells whether there is a next page. */
const page = <Doc extends { _id: string }>(collection: Collection<Doc>, query: object, sort: Record<string, 1 | -1>) =>
  collection
    .find(query as never, { readConcern: "majority" })
    .sort(sort)
    .limit(limit + 1)
    .toArray();

const questions = {
  buy: {
    count: 200,
    method: "POST",
    path: (run) => wares(run).path,
    query({ items }, run, n) {
      const sale = sold("buyer", `${run}-sale-${n}`, new Date());
      const id = others(run).path.split("/").at(-1)!.replace("#", String(n));
      return items.findOneAndUpdate(sellable(id, "buyer"), sale as never, { writeConcern: { w: "majority", journal: true } });
    },
  },
  list: { count: 5, method: "GET", path: () => `/market/items?limit=${limit}`, query: (market) => list(market) },
  search: {
    count: 50,
    method: "GET",
    path: () => `/market/items?limit=${limit}&search=${rare.title.replace(" ", "+")}`,
    query: (market) => list(market, rare.title),
  },
  inbox: { count: 5, method: "GET", path: () => `/notifications?limit=${limit}`, query: (market) => inbox(market, {}) },
  "unread inbox": {
    count: 50,
    method: "GET",
    path: () => `/notifications?unread=true&limit=${limit}`,
    query: (market) => inbox(market, { isRead: false }),
  },
} satisfies Record<string, Question>;
type Name = keyof typeof questions;
const names = Object.keys(questions) as Name[];

/** Medians of a round (ms): of Souk's answers, and of the same queries to the same database by the driver alone. */
type Medians = Record<Name, number>;
interface Measured {
  souk: Medians;
  database: Medians;
}

export default {
  name: "growth",
  what: `from 1,000 items to ${sizes.large.items.toLocaleString("en")}, and from 10 notices in an inbox to 100,000`,

  async run(): Promise<Outcome> {
    const markets = { small: await souk(), large: await souk() };
    const sizesOf = Object.keys(sizes) as Size[];
    try {
      for (const size of sizesOf) {
        const { items, notices, unread } = sizes[size];
        await fill(markets[size].items, forSale(items, ids(items / 10)));
        await fill(markets[size].notices, noticesOf(reader, notices, unread));
      }
      const failed = new Set<string>();
      const measured = await rounds(sizesOf, (size, round) => ask(markets[size], `round-${round}`, failed));
      const p50 = (who: keyof Measured, size: Size, name: Name) => measured.get(size)!.map((one) => one[who][name]);
      const growth = (who: keyof Measured, name: Name) => dividedBy(p50(who, "large", name), p50(who, "small", name));
      const goal = { atMost: 1.3 };
      return {
        figures: names.flatMap((name) =>
          (["souk", "database"] as const).flatMap((who) =>
            sizesOf.map((size) => ({ who: `${who}, ${size}`, what: `${name}, p50`, unit: "ms", values: p50(who, size, name) })),
          ),
        ),
        ratios: names.flatMap((name) => [
          { name: `${name}, p50`, against: "souk, small", values: growth("souk", name), goal },
          {
            name: `${name}, growth of the p50`,
            against: "growth of the database alone",
            values: dividedBy(growth("souk", name), growth("database", name)),
            goal,
          },
        ]),
        notes: [
          `Two markets side by side, asked in turn, one request at a time, for ${limit} rows a page. ${rare.count} items carry the words that are searched for, in either.`,
          `In the inbox ${sizes.small.unread} of ${sizes.small.notices} notices are unread, and ${sizes.large.unread.toLocaleString("en")} of ${sizes.large.notices.toLocaleString("en")}.`,
          "The database alone is asked the same by the driver, without Souk. All is served by an index, but the stand-in reads all that an index has between the bounds before it looks at the limit, which MongoDB does not: a list of all items, and a whole inbox, cost it what is in them.",
          ...(sizes.large.items === million ? [] : [`Measured with GROWTH_ITEMS=${sizes.large.items}; without it there are a million.`]),
          ...[...failed].map((why) => `No number where ${why}`),
        ],
      };
    } finally {
      await stopAll(Object.values(markets));
    }
  },
} satisfies Row;

/** None, and why, of what was not always answered. */
async function ask(market: Contestant, run: string, failed: Set<string>): Promise<Measured> {
  await stock(market, wares(run));
  await stock(market, others(run));
  const tokens = [await market.token(reader)];
  const measured = { souk: {}, database: {} } as Measured;
  for (const name of names) {
    const { method, path, count, query }: Question = questions[name];
    const order = { api: market.api, method, path: path(run), count, connections: 1, tokens };
    const answered = await load(order).then(
      (done) => done.answered,
      (error: Error) => void failed.add(error.message.replace(market.api, "")),
    );
    measured.souk[name] = answered ? percentile(answered, 0.5) : NaN;
    measured.database[name] = percentile(await timed(count, (n) => query(market, run, n)), 0.5);
  }
  return measured;
}

/** How long each took (ms), one after the other. */
async function timed(count: number, query: (n: number) => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const asked = performance.now();
    await query(n);
    took.push(performance.now() - asked);
  }
  return took;
}
