/** The peak rate of a market with its default rate limits, behind a proxy, under clients from enough addresses to stay below them. */
import { ids } from "./data-set.ts";
import { countByStatus, runOpenLoop, secondsUntilLast } from "./open-loop.ts";
import { allDelivered, insertItems, itemSet } from "./sales.ts";
import type { System } from "./systems.ts";

/** Environment that keeps the default rate limits and trusts one proxy. */
export const defaultLimits = { RATE_SCALE: "1", TRUSTED_PROXIES: "1" };
export const addresses = 2_000;
const users = 2_000;

/** Requests in flight at the peak: enough to saturate the market, too few to overload it. */
const concurrency = 192;
const buys = 2_000;

/** One token for each user. */
export const userTokens = (market: System) => Promise.all(ids(users).map((id) => market.token(id)));

/** Buys per second without overload: until the last item is sold, and until its notice is delivered. */
export async function measurePeak(
  market: System,
  tokens: string[],
  run: string,
): Promise<{ sold: number; delivered: number }> {
  const items = itemSet(`${run}-peak`, buys);
  await insertItems(market, items);
  const responses = await runOpenLoop({
    api: market.api,
    path: items.path,
    count: buys,
    concurrency,
    tokens,
    addresses,
  });
  const statuses = countByStatus(responses);
  if (statuses[200] !== buys)
    throw new Error(`Not every buy succeeded at the peak: ${JSON.stringify(statuses)}.`);
  const seconds = secondsUntilLast(responses);
  const answered = performance.now();
  await allDelivered(market, items);
  const delivery = (performance.now() - answered) / 1000;
  return { sold: buys / seconds, delivered: buys / (seconds + delivery) };
}
