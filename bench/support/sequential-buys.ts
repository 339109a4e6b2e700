import { dividedBy, percentile } from "../report.ts";
import type { Outcome } from "../row.ts";
import { loadNote, rounds, stopAll } from "./rounds.ts";
import { sellAll } from "./sales.ts";
import { byHand, copyIndexes, souk, type System } from "./systems.ts";

const count = 400;
/** Pause between two buys, so that the background work of one does not overlap with the next (ms). */
const gapMs = 10;

/** One buy at a time, on Souk and the hand-written reference: latency to the response, or to the notice on the seller's device. */
export async function sequentialBuys(
  until: "answered" | "shown",
  goals: { p50: number; p99: number },
): Promise<Outcome> {
  const [ours, expert] = [await souk(), await byHand()];
  try {
    await copyIndexes(ours, expert);

    const load = { count, connections: 1, gapMs, withDevice: until === "shown" };
    const measured = await rounds([ours, expert], (system, round) =>
      sellAll(system, `round-${round}`, load),
    );

    const at = (system: System, share: number) =>
      measured.get(system)!.map((result) => percentile(result[until], share));
    const shares = [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const;
    const seller = until === "shown" ? ", from one seller with one device" : "";
    return {
      figures: [ours, expert].flatMap((system) =>
        shares.map(([metric, share]) => ({
          system: system.name,
          metric,
          unit: "ms",
          values: at(system, share),
        })),
      ),
      ratios: shares.map(([name, share]) => ({
        name,
        against: expert.name,
        values: dividedBy(at(ours, share), at(expert, share)),
        goal: { atMost: goals[name] },
      })),
      notes: [
        `${count} buys a round, one at a time, ${gapMs} ms apart${seller}.`,
        loadNote(measured),
      ],
    };
  } finally {
    await stopAll([ours, expert]);
  }
}
