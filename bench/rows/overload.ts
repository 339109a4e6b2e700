import type { TimedResponse } from "../load/open-loop.ts";
import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { countByStatus, runOpenLoop } from "../support/open-loop.ts";
import { addresses, defaultLimits, measurePeak, userTokens } from "../support/peak.ts";
import { rounds } from "../support/rounds.ts";
import { allDelivered, insertItems, itemSet } from "../support/sales.ts";
import { souk, type System } from "../support/systems.ts";

/** How long the overload lasts, and its start that is not judged (s). */
const duration = 7;
const rampUp = 2;
/** A burst of this size is no overload: all of it is admitted. */
const burst = 1_000;

interface Overload {
  /** Responses that are neither a sale nor a refusal. */
  failed: number;
  /** Sales and refusals per second. */
  goodput: number;
  refused: number;
  /** 99th percentiles of sales and of refusals (ms). */
  saleP99: number;
  refusalP99: number;
}
type Round = Overload & { peak: number; admitted: number };

export default {
  name: "overload",
  description: "twice as many buyers as can be served",

  async run(): Promise<Outcome> {
    const market = await souk(() => defaultLimits);
    try {
      const tokens = await userTokens(market);
      // A market that has just started is slower: its peak would be too low, and twice that no overload.
      for (const run of ["warm-up-1", "warm-up-2"]) await measurePeak(market, tokens, run);
      // A busy machine can lower the peak of one round, so that each round uses the highest peak so far.
      let highest = 0;
      const measured = await rounds([market], async (_, n): Promise<Round> => {
        const run = `round-${n}`;
        const { sold: peak } = await measurePeak(market, tokens, run);
        const admitted = await sellBurst(market, tokens, run);
        highest = Math.max(highest, peak);
        return { peak, admitted, ...(await overload(market, tokens, run, 2 * highest)) };
      });
      return outcome(market.name, measured.get(market)!);
    } finally {
      await market.stop();
    }
  },
} satisfies Row;

function outcome(system: string, measured: Round[]): Outcome {
  const valuesOf = (key: keyof Round) => measured.map((round) => round[key]);
  const rate = (metric: string, values: number[]) => ({ system, metric, unit: "1/s", values });
  const limit = (
    name: string,
    values: number[],
    goal: { atLeast: number } | { atMost: number },
  ) => ({
    name,
    against: "an absolute limit",
    values,
    goal,
  });
  return {
    figures: [
      rate("peak", valuesOf("peak")),
      rate("buys at twice the peak", valuesOf("goodput")),
      rate("refused", valuesOf("refused")),
    ],
    ratios: [
      limit(`admitted of ${burst} at once`, valuesOf("admitted"), { atLeast: burst }),
      {
        name: "goodput",
        against: `${system}'s peak`,
        values: dividedBy(valuesOf("goodput"), valuesOf("peak")),
        goal: { atLeast: 0.85 },
      },
      limit("neither sold nor refused", valuesOf("failed"), { atMost: 0 }),
      limit("refusals, p99, ms", valuesOf("refusalP99"), { atMost: 50 }),
      limit("sales, p99, ms", valuesOf("saleP99"), { atMost: 2_000 }),
    ],
    notes: [
      "Each round offers twice the highest peak of this run so far. A refusal is 503 with Retry-After; the notice of every sale was delivered afterwards.",
      "The peak is measured with a fixed number of requests in flight, from the first request to the last response. It includes ramp-up and drain, so it is slightly low.",
      `Requests start at a fixed rate, each from a different address, and the first ${rampUp} s are not judged.`,
    ],
  };
}

/** Number of buys that succeed when the whole burst arrives at once. */
async function sellBurst(market: System, tokens: string[], run: string): Promise<number> {
  const items = itemSet(`${run}-burst`, burst);
  await insertItems(market, items);
  const { api } = market;
  const responses = await runOpenLoop({ api, path: items.path, count: burst, tokens, addresses });
  const sold = countByStatus(responses)[200] ?? 0;
  await allDelivered(market, { ...items, count: sold });
  return sold;
}

async function overload(
  market: System,
  tokens: string[],
  run: string,
  perSecond: number,
): Promise<Overload> {
  const items = itemSet(run, Math.round(duration * perSecond));
  await insertItems(market, items);
  const { path, count } = items;
  const { api } = market;
  const responses = await runOpenLoop({ api, path, count, perSecond, tokens, addresses });
  await allDelivered(market, { ...items, count: countByStatus(responses)[200] ?? 0 });

  const isRefusal = ({ status, retryAfter }: TimedResponse) =>
    status === 503 && Number(retryAfter) > 0;
  const judged = responses.filter(({ startMs, durationMs }) => {
    const answered = startMs + durationMs;
    return answered > rampUp * 1000 && answered <= duration * 1000;
  });
  const durations = (status: number) =>
    judged.filter((one) => one.status === status).map(({ durationMs }) => durationMs);
  const [sales, refusals] = [durations(200), durations(503)];
  if (refusals.length === 0)
    throw new Error(`${Math.round(perSecond)} buys/s were no overload: none was refused.`);
  return {
    failed: responses.filter((one) => one.status !== 200 && !isRefusal(one)).length,
    goodput: sales.length / (duration - rampUp),
    refused: refusals.length / (duration - rampUp),
    saleP99: percentile(sales, 0.99),
    refusalP99: percentile(refusals, 0.99),
  };
}
