import { dividedBy, percentile } from "../report.ts";
import type { Outcome } from "../row.ts";
import { byHand, indexAsSouk, souk, type Contestant } from "./contestants.ts";
import { noteOfLoad, rounds, stopAll } from "./rounds.ts";
import { sellAll } from "./sales.ts";

const count = 400;
/** Between two buys, so that nothing of the last one is left to do (ms). */
const gap = 10;

/** Buys one at a time, beside those by hand: how long it takes until each is answered, or shown on its seller's device. */
export async function alone(
  until: "answered" | "shown",
  goals: { p50: number; p99: number },
): Promise<Outcome> {
  const [ours, expert] = [await souk(), await byHand()];
  try {
    await indexAsSouk(ours, expert);

    const order = { count, connections: 1, gap, isShown: until === "shown" };
    const measured = await rounds([ours, expert], (one, round) =>
      sellAll(one, `round-${round}`, order),
    );

    const at = (one: Contestant, share: number) =>
      measured.get(one)!.map((load) => percentile(load[until], share));
    const shares = [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const;
    const whose = until === "shown" ? ", of one seller with one device" : "";
    return {
      figures: [ours, expert].flatMap((one) =>
        shares.map(([what, share]) => ({ who: one.who, what, unit: "ms", values: at(one, share) })),
      ),
      ratios: shares.map(([name, share]) => ({
        name,
        against: "by hand",
        values: dividedBy(at(ours, share), at(expert, share)),
        goal: { atMost: goals[name] },
      })),
      notes: [
        `${count} buys a round, one at a time, ${gap} ms apart${whose}.`,
        noteOfLoad(measured),
      ],
    };
  } finally {
    await stopAll([ours, expert]);
  }
}
