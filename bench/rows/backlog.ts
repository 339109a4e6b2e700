import { setTimeout as pause } from "node:timers/promises";
import type { Outcome, Row } from "../row.ts";
import { median } from "../report.ts";
import { souk, type Contestant } from "../support/contestants.ts";
import { load } from "../support/generator.ts";
import { fill, ids, owing } from "../support/goods.ts";
import { allTold, buyersOf, sellAll, stock, stockOf } from "../support/sales.ts";

const debts = 100_000;
const buys = 2_000;
const connections = 64;
/** Loads that are measured; what is left of the backlog then is paid without one. */
const most = 5;
/** The debts are due when they are all there (ms): else the first would be paid before the last is owed. */
const ready = 60_000;
/** They come due one after the other, as sales do, but within this (ms). */
const within = 2_000;

export default {
  name: "backlog",
  what: `${debts.toLocaleString("en")} debts are paid while the market sells`,

  async run(): Promise<Outcome> {
    const market = await souk();
    try {
      const without = async (run: string) =>
        buys / (await sellAll(market, run, { count: buys, connections })).seconds;
      await without("warm-up");
      const before = [await without("before-1"), await without("before-2")];

      const sellers = ids(20);
      const due = new Date(Date.now() + ready);
      await fill(market.items, withDebtsDue(debts, sellers, due));
      const tokens = await buyersOf(market.token, "meanwhile");
      const left = () =>
        market.items.countDocuments({ sellerId: { $in: sellers }, "notice.dueAt": { $gt: "" } });
      if (Date.now() > due.getTime())
        throw new Error(`The debts were not there within ${ready / 1000} s.`);
      await pause(due.getTime() - Date.now());
      const rounds = await meanwhile(market, tokens, left);
      if (rounds.length === 0) throw new Error("The backlog was paid before anything was sold.");
      await allTold(market, { sellers, count: debts });
      await allStored(market, sellers);

      const after = [await without("after-1"), await without("after-2")];
      const alone = median([...before, ...after]);
      const [sold, paid] = [rounds.map(({ sold }) => sold), rounds.map(({ paid }) => paid)];
      return {
        figures: [
          {
            who: "souk",
            what: "buys without a backlog",
            unit: "1/s",
            values: [...before, ...after],
          },
          { who: "souk", what: "buys meanwhile", unit: "1/s", values: sold },
          { who: "souk", what: "debts paid meanwhile", unit: "1/s", values: paid },
        ],
        ratios: [
          {
            name: "buys/s meanwhile",
            against: "souk without a backlog",
            values: sold.map((rate) => rate / alone),
            goal: { atLeast: 0.7 },
          },
          {
            name: "debts paid/s",
            against: "buys/s meanwhile",
            values: paid.map((rate, n) => rate / sold[n]!),
            goal: { atLeast: 2 },
          },
        ],
        notes: [
          `A round is ${buys} buys, while debts are left; in the end all ${debts} notices were stored.`,
        ],
      };
    } finally {
      await market.stop();
    }
  },
} satisfies Row;

function* withDebtsDue(count: number, sellers: string[], due: Date) {
  let n = 0;
  for (const item of owing(count, sellers)) {
    const dueAt = new Date(due.getTime() - within + (n++ / count) * within).toISOString();
    yield { ...item, notice: { ...item.notice!, dueAt } };
  }
}

/** Buys and debts paid a second, of each load that began and ended while debts were left. */
async function meanwhile(market: Contestant, tokens: string[], left: () => Promise<number>) {
  const rounds: { sold: number; paid: number }[] = [];
  for (let before = await left(), round = 0; before > 0 && round < most; round++) {
    const wares = stockOf(`meanwhile-${round}`, buys);
    await stock(market, wares);
    before = await left();
    const { seconds } = await load({
      api: market.api,
      method: "POST",
      path: wares.path,
      count: buys,
      connections,
      tokens,
    });
    const after = await left();
    if (after > 0) rounds.push({ sold: buys / seconds, paid: (before - after) / seconds });
    before = after;
  }
  return rounds;
}

async function allStored(market: Contestant, sellers: string[]): Promise<void> {
  const stored = await market.notices.countDocuments({ userId: { $in: sellers } });
  if (stored !== debts) throw new Error(`Of ${debts} notices ${stored} are stored.`);
}
