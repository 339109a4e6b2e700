/**
 * The time of a reference, such as the database's server, that several nodes share. A node's own clock may be wrong by hours for a while, and
 * jump. So the reference decides, and this process's monotonic clock bridges the time between two observations.
 */

/** Up to this difference (ms) a clock counts as right; above it, the difference is logged. */
export const maxSkewMs = 2_000;
/** A logged difference is over when it is below this (ms), so that one at the limit is not logged again and again. */
const endedSkewMs = 1_000;
/** An observation may be late, for example after a busy turn of the event loop, and never early: the latest time of these counts. */
const samples = 3;

export type OnSkew = (skewMs: number) => void;

export class ReferenceClock {
  /** The reference's time minus this process's monotonic clock (ms), of the last observations. */
  readonly #offsets: number[] = [];
  /** The largest of them. */
  #offset = -Infinity;
  readonly #samples: number;
  readonly #onSkew: OnSkew;
  #isSkewed = false;

  /** `onSkew` is called when the difference exceeds 2 s, and when it has ended. `sampleCount`: 1 if observations are never late. */
  constructor(onSkew: OnSkew = () => {}, sampleCount = samples) {
    [this.#onSkew, this.#samples] = [onSkew, sampleCount];
  }

  /** The reference's clock shows `time` (ms since 1970) at this moment. */
  observe(time: number): void {
    if (!Number.isFinite(time)) return;
    this.#offsets.push(time - performance.now());
    if (this.#offsets.length > this.#samples) this.#offsets.shift();
    this.#offset = Math.max(...this.#offsets);
    const skew = this.skew();
    const isSkewed = Math.abs(skew) > (this.#isSkewed ? endedSkewMs : maxSkewMs);
    if (isSkewed === this.#isSkewed) return;
    this.#isSkewed = isSkewed;
    this.#onSkew(skew);
  }

  /** How far this node's clock is ahead of the reference (ms). 0 before the first observation. */
  skew(): number {
    return this.#offsets.length > 0 ? Date.now() - this.#reference() : 0;
  }

  /** Milliseconds since 1970, by this node's clock while it is right, otherwise by the reference. */
  now(): number {
    const own = Date.now();
    if (this.#offsets.length === 0) return own;
    const reference = this.#reference();
    return Math.abs(own - reference) <= maxSkewMs ? own : Math.round(reference);
  }

  #reference(): number {
    return this.#offset + performance.now();
  }
}

/** "3 h 0 min ahead of", for a sentence about two clocks. */
export function describeSkew(skewMs: number): string {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const size =
    seconds < 120 ? `${seconds} s` : hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`;
  return `${size} ${skewMs > 0 ? "ahead of" : "behind"}`;
}
