import type { Attention } from "./attention.ts";

/** The bounds of the wait between two reads of an inbox that is not live (ms). */
const bounds: Record<Attention, [first: number, longest: number]> = {
  focused: [5_000, 30_000],
  visible: [10_000, 60_000],
  hidden: [60_000, 300_000],
};

/**
 * The wait before the next read of an inbox that is not live (ms). It grows with `reads`, the reads without news since the network or the
 * user was last back. The jitter of a quarter keeps clients that lost their connections together from reading together.
 */
export function readDelay(attention: Attention, reads: number, random = Math.random()): number {
  const [first, longest] = bounds[attention];
  return Math.min(longest, first * 1.5 ** reads) * (0.75 + random / 2);
}
