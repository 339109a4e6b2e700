import { setTimeout as pause } from "node:timers/promises";
import { newOutbox } from "../../domain/outbox.ts";
import type { Outcome, Row } from "../row.ts";
import { backlogFigures, type Round } from "../support/backlog-figures.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { fill, ids, undelivered } from "../support/data-set.ts";
import { allDelivered, buyerTokens, insertItems, itemSet, sellAll } from "../support/sales.ts";
import { souk, type System } from "../support/systems.ts";

const entries = 100_000;
const buys = 2_000;
const connections = 64;
/** Maximum number of measured loads. The rest of the backlog is delivered without load. */
const maxRounds = 5;
/** Time to insert the entries before the first one is due, so that none is delivered early (ms). */
const preparation = 60_000;
/** The entries fall due one after the other, as those of real sales do, within this (ms). */
const dueWithin = 2_000;

export default {
  name: "cluster-backlog",
  description: `${entries.toLocaleString("en")} outbox entries are delivered while a cluster sells`,

  async run(): Promise<Outcome> {
    const market = await souk();
    try {
      const rate = async (run: string) =>
        buys / (await sellAll(market, run, { count: buys, connections })).seconds;
      await rate("warm-up");
      const before = [await rate("before-1"), await rate("before-2")];
      const rounds = await underBacklog(market);
      const after = [await rate("after-1"), await rate("after-2")];
      return outcome(market, [...before, ...after], rounds);
    } finally {
      await market.stop();
    }
  },
} satisfies Row;

async function underBacklog(market: System): Promise<Round[]> {
  const sellers = ids(20);
  const due = new Date(Date.now() + preparation);
  await fill(market.items, withDueTimes(entries, sellers, due));
  const tokens = await buyerTokens(market.token, "backlog");
  const left = () =>
    market.items.countDocuments({ sellerId: { $in: sellers }, ...market.outbox.pending });
  if (Date.now() > due.getTime())
    throw new Error(`The backlog was not inserted within ${preparation / 1000} s.`);
  await pause(due.getTime() - Date.now());
  const rounds = await measure(market, tokens, left);
  if (rounds.length === 0) throw new Error("The backlog was delivered before anything was sold.");
  await allDelivered(market, { sellers, count: entries });
  const stored = await market.notices.countDocuments({ userId: { $in: sellers } });
  if (stored !== entries) throw new Error(`Of ${entries} notices ${stored} are stored.`);
  return rounds;
}

function* withDueTimes(count: number, sellers: string[], due: Date) {
  let n = 0;
  for (const item of undelivered(count, sellers)) {
    const notice = new Date(due.getTime() - dueWithin + (n++ / count) * dueWithin);
    yield { ...item, outbox: newOutbox({ notice }, undefined, new Date()) };
  }
}

/** Rates of each load that started and ended while entries were left. */
async function measure(
  market: System,
  tokens: string[],
  left: () => Promise<number>,
): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let before = await left(), round = 0; before > 0 && round < maxRounds; round++) {
    const items = itemSet(`backlog-${round}`, buys);
    await insertItems(market, items);
    before = await left();
    const { seconds } = await runClosedLoop({
      api: market.api,
      method: "POST",
      path: items.path,
      count: buys,
      connections,
      tokens,
    });
    const after = await left();
    if (after > 0) rounds.push({ sold: buys / seconds, delivered: (before - after) / seconds });
    before = after;
  }
  return rounds;
}

function outcome({ name }: System, without: number[], rounds: Round[]): Outcome {
  return {
    ...backlogFigures(name, without, rounds),
    notes: [
      `A round is ${buys} buys, while outbox entries are left; in the end all ${entries} notices were stored.`,
    ],
  };
}
