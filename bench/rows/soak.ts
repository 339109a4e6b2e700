import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { median, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { addresses, bounded, calm, strangers } from "../support/bounded.ts";
import { souk } from "../support/contestants.ts";
import { heapOf, weighable } from "../support/heap.ts";
import { allTold, stock, stockOf } from "../support/sales.ts";
import { tally, visits } from "../support/visits.ts";
import type { Watched } from "../support/sampler.ts";

/** Five minutes, unless the environment says otherwise. */
const seconds = Number(process.env.SOAK_SECONDS || 300);
const share = 0.8;
/** Pools and code are there after a fifth (s); the next is compared with the last. */
const fifth = Math.floor(seconds / 5);
const compared = `the ${fifth} s after the first ${fifth}; the least of each`;

export default {
  name: "soak",
  what: `${seconds} seconds at ${share * 100} % of the peak`,

  async run(): Promise<Outcome> {
    if (!(seconds >= 30)) throw new Error("SOAK_SECONDS must be at least 30.");
    const folder = temporaryFolder();
    const fileOf = (role: string) => join(folder.path, role);
    const watch = join(import.meta.dirname, "../support/sampler.ts");
    const market = await souk((role) => ({
      ...bounded,
      NODE_OPTIONS: `${weighable.NODE_OPTIONS} --import ${watch}`,
      WATCH: fileOf(role),
    }));
    try {
      const tokens = await strangers(market);
      const peaks = [];
      for (const run of ["warm-up-1", "warm-up-2", "peak-1", "peak-2", "peak-3"])
        peaks.push((await calm(market, tokens, run)).told);
      const perSecond = share * median(peaks.slice(2));
      const wares = stockOf("soak", Math.round(perSecond * seconds));
      await stock(market, wares);

      const secondsOf = (role: string) =>
        readFileSync(fileOf(role), "utf8").split("\n").filter(Boolean);
      const before = secondsOf("api").length;
      const roles = Object.keys(market.nodes);
      const weigh = () => Promise.all(roles.map((role) => heapOf(market.nodes[role]!)));
      const early = pause(2_000 * fifth).then(weigh);
      early.catch(() => {}); // where nobody waits for it, something else failed
      const got = await visits({
        api: market.api,
        path: wares.path,
        count: wares.count,
        perSecond,
        tokens,
        addresses,
      });
      const { 200: sold = 0, 503: refused = 0, ...others } = tally(got);
      if (Object.keys(others).length > 0)
        throw new Error(`Of ${wares.count} buys: ${JSON.stringify(tally(got))}.`);
      await allTold(market, { ...wares, count: sold });
      const [lives, liveAtLast] = [await early, await weigh()];

      const watched = new Map(
        roles.map((role) => [
          role,
          secondsOf(role)
            .slice(before)
            .map((line) => JSON.parse(line) as Watched),
        ]),
      );
      const of = (role: string, what: keyof Watched) =>
        watched
          .get(role)!
          .slice(fifth, seconds)
          .map((second) => second[what]);
      /** Of what a process holds at least: the rest is yet to be collected. */
      const growth = (role: string) => {
        const all = of(role, "rss");
        return Math.min(...all.slice(-fifth)) / Math.min(...all.slice(0, fifth));
      };
      return {
        figures: [
          { who: "souk", what: "buys asked for", unit: "1/s", values: [perSecond] },
          { who: "souk", what: "refused", unit: "%", values: [(100 * refused) / wares.count] },
          {
            who: "souk",
            what: "answer, p99",
            unit: "ms",
            values: [
              percentile(
                got.filter(({ status }) => status === 200).map(({ took }) => took),
                0.99,
              ),
            ],
          },
          ...roles.flatMap((role, n) => [
            {
              who: role,
              what: "live heap, early and at the end",
              unit: "MB",
              values: [lives[n]! / 1e6, liveAtLast[n]! / 1e6],
            },
            {
              who: role,
              what: "resident memory",
              unit: "MB",
              values: of(role, "rss").map((bytes) => bytes / 1e6),
            },
            {
              who: role,
              what: "event loop late, p99 of each second",
              unit: "ms",
              values: of(role, "late"),
            },
          ]),
        ],
        ratios: roles.flatMap((role, n) => [
          {
            name: `${role}: resident memory`,
            against: compared,
            values: [growth(role)],
            goal: { atMost: 1.1 },
          },
          {
            name: `${role}: live heap at the end`,
            against: `after ${2 * fifth} s`,
            values: [liveAtLast[n]! / lives[n]!],
            goal: { atMost: 1.1 },
          },
        ]),
        notes: [
          `One round; every answer was 200, or 503 where the database was slower for a while, and every sale was told. The figures of nodes hold a value a second. SOAK_SECONDS says how long it lasts.`,
        ],
      };
    } finally {
      await market.stop();
      folder.remove();
    }
  },
} satisfies Row;
