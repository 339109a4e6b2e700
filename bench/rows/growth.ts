import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { noticesOf, rare } from "../support/data-set.ts";
import { soukEmbedded, type EmbeddedSystem } from "../support/embedded.ts";
import { fillItems, fillNotices } from "../support/files.ts";
import {
  buysOf,
  copyManyItems,
  manyItems,
  marketOf,
  seller,
  sizeNote,
} from "../support/many-items.ts";
import { rounds, stopAll } from "../support/rounds.ts";

const sizes = {
  small: { notices: 10, unread: 10, fill: (path: string) => fillItems(path, marketOf(1_000)) },
  large: { notices: 100_000, unread: 100_000, fill: copyManyItems },
};
type Size = keyof typeof sizes;
const sizeNames = Object.keys(sizes) as Size[];

const reader = "reader";
/** Rows per page; at most what the small inbox has, so that both answers have the same size. */
const limit = 10;

/** Requests of one round, one at a time: the path in a round. */
type Path = (round: number) => string;
const items =
  (query = ""): Path =>
  () =>
    `/market/items?limit=${limit}${query}`;

const requests = {
  buy: (round) => buysOf(round).path,
  "list: newest": items(),
  "list: cheapest": items("&sort=price"),
  "list: of a seller": items(`&sellerId=${seller}`),
  "list: unsold": items("&sold=false"),
  "list: sold": items("&sold=true"),
  "list: unsold, dearest": items("&sold=false&sort=-price"),
  search: items(`&search=${rare.title.replace(" ", "+")}`),
  "search: a word of all items": items("&search=hammered"),
  inbox: () => `/notifications?limit=${limit}`,
  "unread inbox": () => `/notifications?unread=true&limit=${limit}`,
} satisfies Record<string, Path>;
type Name = keyof typeof requests;
const names = Object.keys(requests) as Name[];

/** Median latencies of a round (ms); NaN where a request failed. */
type Medians = Record<Name, number>;

export default {
  name: "growth",
  description: `an embedded market from 1,000 items to ${manyItems.toLocaleString("en")}, and from 10 notices in an inbox to 100,000`,

  async run(): Promise<Outcome> {
    const markets = new Map<Size, EmbeddedSystem>();
    try {
      for (const size of sizeNames) markets.set(size, await start(size));
      const failures = new Set<string>();
      const measured = await rounds(sizeNames, (size, round) =>
        measure(markets.get(size)!, round, failures),
      );
      return outcome(measured, failures);
    } finally {
      await stopAll([...markets.values()]);
    }
  },
} satisfies Row;

const start = (size: Size) =>
  soukEmbedded((folder) => {
    const { fill, notices, unread } = sizes[size];
    fill(folder);
    fillNotices(folder, noticesOf(reader, notices, unread));
  });

/** Adds to `failures` a sentence for each request that did not always succeed. */
async function measure(
  { api, token }: EmbeddedSystem,
  round: number,
  failures: Set<string>,
): Promise<Medians> {
  const tokens = [await token(reader)];
  const medians = {} as Medians;
  for (const name of names) {
    const path = requests[name](round);
    const [method, count] = name === "buy" ? (["POST", 200] as const) : (["GET", 50] as const);
    const answered = await runClosedLoop({ api, method, path, count, connections: 1, tokens }).then(
      (result) => result.answered,
      (error: Error) => void failures.add(`round ${round}, ${error.message.replace(api, "")}`),
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
      `Two markets, measured in turn, one request at a time, with ${limit} rows a page. A tenth of the items is sold. In each, ${rare.count} items match the search, and ten are of the seller.`,
      `In the inbox ${small.unread} of ${small.notices} notices are unread, and ${large.unread.toLocaleString("en")} of ${large.notices.toLocaleString("en")}.`,
      ...sizeNote,
      ...[...failures].map((failure) => `Without a value: ${failure}`),
    ],
  };
}
