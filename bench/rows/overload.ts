import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { souk, type Contestant } from "../support/contestants.ts";
import { addresses, bounded, calm, strangers } from "../support/bounded.ts";
import { rounds } from "../support/rounds.ts";
import { allTold, stock, stockOf } from "../support/sales.ts";
import { tally, visits } from "../support/visits.ts";
import type { Got } from "../visitors.ts";

/** Twice as many come for so long (s); what happens in the beginning is not judged. */
const lasts = 7;
const beginning = 2;
/** So many at once are no overload either, when it is calm. */
const crowd = 1_000;

interface Overloaded {
  /** Neither sold nor refused: whoever waited in vain. */
  others: number;
  /** A second, as are those refused. */
  goodput: number;
  refused: number;
  /** Of those answered 200 and of those refused (ms). */
  served99: number;
  refused99: number;
}

export default {
  name: "overload",
  what: "twice as many buyers come as can be served",

  async run(): Promise<Outcome> {
    const market = await souk(() => bounded);
    try {
      const tokens = await strangers(market);
      // Of a market that has just started the peak would be too low, and twice that no overload.
      for (const run of ["warm-up-1", "warm-up-2"]) await calm(market, tokens, run);
      // Where the machine was busy with something else during the calm, twice what was served then is no overload either.
      let highest = 0;
      const round = async (_: Contestant, n: number) => {
        const peak = (await calm(market, tokens, `round-${n}`)).sold;
        const fromCrowd = await admitted(market, tokens, `round-${n}`);
        highest = Math.max(highest, peak);
        return {
          peak,
          admitted: fromCrowd,
          ...(await overload(market, tokens, `round-${n}`, 2 * highest)),
        };
      };
      const measured = (await rounds([market], round)).get(market)!;
      const of = (what: keyof (typeof measured)[number]) => measured.map((one) => one[what]);
      const figure = (what: string, unit: string, values: number[]) => ({
        who: "souk",
        what,
        unit,
        values,
      });
      const bound = (name: string, values: number[], atMost: number) => ({
        name,
        against: "an absolute bound",
        values,
        goal: { atMost },
      });
      return {
        figures: [
          figure("peak", "1/s", of("peak")),
          figure("buys at twice the peak", "1/s", of("goodput")),
          figure("refused", "1/s", of("refused")),
        ],
        ratios: [
          {
            name: `admitted of ${crowd} at once`,
            against: "an absolute bound",
            values: of("admitted"),
            goal: { atLeast: crowd },
          },
          {
            name: "goodput",
            against: "souk's peak",
            values: dividedBy(of("goodput"), of("peak")),
            goal: { atLeast: 0.85 },
          },
          bound("neither sold nor refused", of("others"), 0),
          bound("refusals, p99, ms", of("refused99"), 50),
          bound("what is served, p99, ms", of("served99"), 2_000),
        ],
        notes: [
          "Twice the highest peak of this run so far come, each round. Refused is 503 with Retry-After; every sale was told afterwards.",
          "The peak is what visitors buy who each wait for their answer, from the first request to the last answer; its beginning and end count, so it is a little low.",
          `Requests come at their own pace, each of another address, and the first ${beginning} s are not judged.`,
        ],
      };
    } finally {
      await market.stop();
    }
  },
} satisfies Row;

/** How many of the crowd are sold what they want. */
async function admitted(market: Contestant, tokens: string[], run: string): Promise<number> {
  const wares = stockOf(`${run}-crowd`, crowd);
  await stock(market, wares);
  const got = await visits({ api: market.api, path: wares.path, count: crowd, tokens, addresses });
  const sold = tally(got)[200] ?? 0;
  await allTold(market, { ...wares, count: sold });
  return sold;
}

async function overload(
  market: Contestant,
  tokens: string[],
  run: string,
  perSecond: number,
): Promise<Overloaded> {
  const storm = stockOf(run, Math.round(lasts * perSecond));
  await stock(market, storm);
  const got = await visits({
    api: market.api,
    path: storm.path,
    count: storm.count,
    perSecond,
    tokens,
    addresses,
  });
  const isRefusal = ({ status, retryAfter }: Got) => status === 503 && Number(retryAfter) > 0;
  const others = got.filter((one) => one.status !== 200 && !isRefusal(one));
  await allTold(market, { ...storm, count: tally(got)[200] ?? 0 });

  const judged = got.filter(
    ({ begun, took }) => begun + took > beginning * 1000 && begun + took <= lasts * 1000,
  );
  const took = (status: number) =>
    judged.filter((one) => one.status === status).map((one) => one.took);
  if (took(503).length === 0)
    throw new Error(
      `At ${Math.round(perSecond)} buys a second nobody was refused: that was no overload.`,
    );
  const rate = (status: number) => took(status).length / (lasts - beginning);
  return {
    others: others.length,
    goodput: rate(200),
    refused: rate(503),
    served99: percentile(took(200), 0.99),
    refused99: percentile(took(503), 0.99),
  };
}
