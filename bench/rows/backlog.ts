import { setTimeout as pause } from "node:timers/promises";
import { newOutbox } from "../../domain/outbox.ts";
import type { Outcome, Row } from "../row.ts";
import { backlogFigures, type Round } from "../support/backlog-figures.ts";
import { runClosedLoop } from "../support/closed-loop.ts";
import { undelivered } from "../support/data-set.ts";
import { soukEmbedded, type EmbeddedSystem } from "../support/embedded.ts";
import { fillItems, MarketFiles } from "../support/files.ts";
import { buyerTokens, itemsOf, itemSet } from "../support/sales.ts";

const entries = 100_000;
const buys = 2_000;
const connections = 64;
/** Maximum number of measured loads. The rest of the backlog is delivered without load. */
const maxRounds = 5;
/** The loads without a backlog, before and after it. */
const before = ["warm-up", "before-1", "before-2"];
const after = ["after-1", "after-2"];
const during = Array.from({ length: maxRounds }, (_, round) => `backlog-${round}`);
const sets = new Map(
  [...before, ...during, ...after].map((run) => [run, itemSet(run, buys)] as const),
);
/** The first entry is due this long after the market's files are made (ms): the loads before it must end first. */
const preparation = 60_000;
/** The entries fall due one after the other, as those of real sales do, within this (ms). */
const dueWithin = 2_000;
/** The whole backlog must be delivered within this (ms). */
const deliveryTimeout = 300_000;
const sellers = Array.from({ length: 20 }, (_, n) => `backlog-seller-of-${n}`);

export default {
  name: "backlog",
  description: `${entries.toLocaleString("en")} outbox entries are delivered while an embedded market sells`,

  async run(): Promise<Outcome> {
    let due = 0;
    const market = await soukEmbedded((folder) => {
      due = Date.now() + preparation;
      fillItems(folder, [...[...sets.values()].flatMap(itemsOf), ...backlog(due)]);
    });
    const files = new MarketFiles(market.dataDir);
    try {
      const [, ...without] = await ratesOf(market, before);
      if (Date.now() > due)
        throw new Error(`The loads before the backlog took over ${preparation / 1000} s.`);
      await pause(due + dueWithin - Date.now());
      const rounds = await underBacklog(market, files);
      await allDelivered(files);
      without.push(...(await ratesOf(market, after)));
      await allDelivered(files);
      return outcome(market, without, rounds);
    } finally {
      files.close();
      await market.stop();
    }
  },
} satisfies Row;

function* backlog(due: number) {
  let n = 0;
  for (const item of undelivered(entries, sellers)) {
    const notice = new Date(due + (n++ / entries) * dueWithin);
    yield { ...item, outbox: newOutbox({ notice }, undefined, new Date()) };
  }
}

async function sell({ api, token }: EmbeddedSystem, run: string): Promise<{ seconds: number }> {
  const tokens = await buyerTokens(token, run);
  const { path } = sets.get(run)!;
  return runClosedLoop({ api, method: "POST", path, count: buys, connections, tokens });
}

/** Buys per second of each load. */
async function ratesOf(market: EmbeddedSystem, runs: string[]): Promise<number[]> {
  const rates: number[] = [];
  for (const run of runs) rates.push(buys / (await sell(market, run)).seconds);
  return rates;
}

/** Rates of each load that ended while entries were left. */
async function underBacklog(market: EmbeddedSystem, files: MarketFiles): Promise<Round[]> {
  const rounds: Round[] = [];
  for (const run of during) {
    const pending = files.pending();
    const { seconds } = await sell(market, run);
    const left = files.pending();
    if (left === 0) break;
    rounds.push({ sold: buys / seconds, delivered: (pending + buys - left) / seconds });
  }
  if (rounds.length === 0) throw new Error("The backlog was delivered before anything was sold.");
  return rounds;
}

async function allDelivered(files: MarketFiles): Promise<void> {
  const deadline = Date.now() + deliveryTimeout;
  while (files.isAnyPending()) {
    if (Date.now() > deadline)
      throw new Error(`Not all entries were delivered within ${deliveryTimeout / 1000} s.`);
    await pause(100);
  }
  const stored = files.notices("backlog-seller-of-");
  if (stored !== entries) throw new Error(`Of ${entries} notices ${stored} are stored.`);
}

function outcome({ name }: EmbeddedSystem, without: number[], rounds: Round[]): Outcome {
  return {
    ...backlogFigures(name, without, rounds),
    notes: [
      `A round is ${buys} buys, while outbox entries are left; their own entries are counted too. In the end all ${entries} notices were stored.`,
    ],
  };
}
