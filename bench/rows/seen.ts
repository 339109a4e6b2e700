import { dividedBy, percentile } from "../report.ts";
import type { Outcome, Row } from "../row.ts";
import { byHand, indexAsSouk, souk, type Contestant } from "../support/contestants.ts";
import { noteOfLoad, rounds, stopAll } from "../support/rounds.ts";
import { sellAll } from "../support/sales.ts";

const count = 400;
/** Between two buys, so that nothing of the last one is left to do (ms). */
const gap = 10;

export default {
  name: "seen",
  what: "from the buyer's request to the notice on the seller's socket, in a cluster",
  isFirst: true,

  async run(): Promise<Outcome> {
    const [ours, expert] = [await souk(), await byHand()];
    try {
      await indexAsSouk(ours, expert);

      const measured = await rounds([ours, expert], (one, round) =>
        sellAll(one, `round-${round}`, { count, connections: 1, gap, isShown: true }),
      );

      const at = (one: Contestant, share: number) => measured.get(one)!.map(({ shown }) => percentile(shown, share));
      return {
        figures: [ours, expert].flatMap((one) => [
          { who: one.who, what: "p50", unit: "ms", values: at(one, 0.5) },
          { who: one.who, what: "p99", unit: "ms", values: at(one, 0.99) },
        ]),
        ratios: [
          { name: "p50", against: "by hand", values: dividedBy(at(ours, 0.5), at(expert, 0.5)), goal: { atMost: 1.5 } },
          { name: "p99", against: "by hand", values: dividedBy(at(ours, 0.99), at(expert, 0.99)), goal: { atMost: 2 } },
        ],
        notes: [`${count} buys a round, ${gap} ms apart and one at a time, to one seller with one device.`, noteOfLoad(measured)],
      };
    } finally {
      await stopAll([ours, expert]);
    }
  },
} satisfies Row;
