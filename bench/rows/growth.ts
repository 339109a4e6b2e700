import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { fill, forSale, ids, noticesOf, rare } from "../support/data-set.ts";
import { rounds, stopAll } from "../support/rounds.ts";
import { insertItems, itemSet } from "../support/sales.ts";
import { stopServers } from "../support/servers.ts";
import { souk, type System } from "../support/systems.ts";

const million = 1_000_000;
/** GROWTH_ITEMS replaces the million on a database that takes too long to fill. */
const sizes = {
  small: { items: 1_000, notices: 10, unread: 10 },
  large: { items: Number(process.env.GROWTH_ITEMS) || million, notices: 100_000, unread: 1_000 },
};
type Size = keyof typeof sizes;
const sizeNames = Object.keys(sizes) as Size[];

const reader = "reader";
/** Rows per page; at most what the small inbox has, so that both answers have the same size. */
const limit = 10;

/** A request that is repeated `count` times per round, one at a time. */
interface Request {
  count: number;
  method: "GET" | "POST";
  path(run: string): string;
}

const itemsToBuy = (run: string) => itemSet(run, 200);

const requests = {
  buy: { count: 200, method: "POST", path: (run) => itemsToBuy(run).path },
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
} satisfies Record<string, Request>;
type Name = keyof typeof requests;
const names = Object.keys(requests) as Name[];

/** Median latencies of a round (ms); NaN where a request failed. */
type Medians = Record<Name, number>;

export default {
  name: "growth",
  description: `from 1,000 items to ${sizes.large.items.toLocaleString("en")}, and from 10 notices in an inbox to 100,000`,

  async run(): Promise<Outcome> {
    // The million items go into a database without data of other rows.
    await stopServers();
    const markets = { small: await souk(), large: await souk() };
    try {
      for (const size of sizeNames) {
        const { items, notices, unread } = sizes[size];
        await fill(markets[size].items, forSale(items, ids(items / 10)));
        await fill(markets[size].notices, noticesOf(reader, notices, unread));
      }
      const failures = new Set<string>();
      const measured = await rounds(sizeNames, (size, round) =>
        measure(markets[size], `round-${round}`, failures),
      );
      return outcome(measured, failures);
    } finally {
      await stopAll(Object.values(markets));
    }
  },
} satisfies Row;

/** Adds to `failures` a sentence for each request that did not always succeed. */
async function measure(market: System, run: string, failures: Set<string>): Promise<Medians> {
  await insertItems(market, itemsToBuy(run));
  const tokens = [await market.token(reader)];
  const medians = {} as Medians;
  for (const name of names) {
    const { method, path, count }: Request = requests[name];
    const load = { api: market.api, method, path: path(run), count, connections: 1, tokens };
    const answered = await runClosedLoop(load).then(
      (result) => result.answered,
      (error: Error) => void failures.add(`${run}, ${error.message.replace(market.api, "")}`),
    );
    medians[name] = answered ? percentile(answered, 0.5) : NaN;
  }
  return medians;
}

function outcome(measured: Map<Size, Medians[]>, failures: Set<string>): Outcome {
  const p50 = (size: Size, name: Name) => measured.get(size)!.map((medians) => medians[name]);
  const { small, large } = sizes;
  return {
    figures: names.flatMap((name) =>
      sizeNames.map((size) => ({
        system: `souk, ${size}`,
        metric: `${name}, p50`,
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
      `Two markets, measured in turn, one request at a time, with ${limit} rows a page. In each, ${rare.count} items match the search.`,
      `In the inbox ${small.unread} of ${small.notices} notices are unread, and ${large.unread.toLocaleString("en")} of ${large.notices.toLocaleString("en")}.`,
      "Round 0 warms up. The first of 50 responses may read more documents: later ones read no further than that page (docs/decisions/008). Its status is 503 where that takes the database too long.",
      ...(large.items === million
        ? []
        : [`Measured with GROWTH_ITEMS=${large.items}; the default is a million.`]),
      ...[...failures].map((failure) => `Without a value: ${failure}`),
    ],
  };
}
