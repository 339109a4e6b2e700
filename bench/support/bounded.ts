/** A market with its bounds on clients as they stand, as behind a proxy, and strangers so many that none crosses their own. */
import { ids } from "./goods.ts";
import type { Contestant } from "./contestants.ts";
import { allTold, stock, stockOf } from "./sales.ts";
import { tally, visits } from "./visits.ts";

export const bounded = { RATE_SCALE: "1", TRUSTED_PROXIES: "1" };
export const addresses = 2_000;
const users = 2_000;

/** So many buyers who each wait for their answer are a peak: more of them get no more, and so few are never an overload. */
const connections = 192;
const buys = 2_000;

/** Their tokens. */
export const strangers = (market: Contestant) =>
  Promise.all(ids(users).map((id) => market.token(id)));

/** Buys a second when nobody comes in vain: until the last was sold, and until the last was told. */
export async function calm(
  market: Contestant,
  tokens: string[],
  run: string,
): Promise<{ sold: number; told: number }> {
  const wares = stockOf(`${run}-calm`, buys);
  await stock(market, wares);
  const got = await visits({
    api: market.api,
    path: wares.path,
    count: buys,
    atOnce: connections,
    tokens,
    addresses,
  });
  if (tally(got)[200] !== buys) throw new Error(`In calm weather: ${JSON.stringify(tally(got))}.`);
  const seconds = Math.max(...got.map(({ begun, took }) => begun + took)) / 1000;
  const answered = performance.now();
  await allTold(market, wares);
  return { sold: buys / seconds, told: buys / (seconds + (performance.now() - answered) / 1000) };
}
