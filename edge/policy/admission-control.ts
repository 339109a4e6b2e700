/** How long a call may wait before it is served (ms), roughly: as long as people wait without wondering. */
const target = 500;
/** The calls that ended within this (ms) are compared. */
const stretch = 500;

/**
 * How many calls one service may have in hand. A short queue does no harm: a thousand who come at once are let in. A queue that stands
 * does: whoever joins it only waits, and so do all behind. It stands when even the quickest call of a stretch took longer than the
 * target; the quickest, because calls are slow for reasons of their own too. Then no more are let in than are served within the
 * target, as fast as it went in that stretch: who is let in waits about so long, and the others learn at once that they would wait longer.
 *
 * Times are of any one clock, in ms.
 */
export class AdmissionControl {
  /** There are so many while no queue stands… */
  readonly #most: number;
  /** …and never fewer than these; half of these in hand are no queue, however long they take. */
  readonly #fewest: number;
  #count: number;
  #inHand = 0;
  #current: { began: number; quickest: number; served: number } | undefined;

  constructor(most: number, fewest: number) {
    this.#most = this.#count = most;
    this.#fewest = fewest;
  }

  /** How many there are now. */
  get limit(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#inHand >= this.#count;
  }

  admit(): void {
    this.#inHand++;
  }

  release(entered: number, now: number): void {
    if (--this.#inHand < this.#fewest / 2) return this.#open();
    const current = (this.#current ??= { began: now, quickest: Infinity, served: 0 });
    current.quickest = Math.min(current.quickest, now - entered);
    current.served++;
    // Before anybody knows whether a crowd came or more than that: half the places are enough for the crowd.
    if (now - entered > target) this.#count = Math.min(this.#count, this.#most / 2);
    if (now - current.began >= stretch) this.#judge(current, now);
  }

  #open(): void {
    this.#count = this.#most;
    this.#current = undefined;
  }

  #judge(
    { began, quickest, served }: { began: number; quickest: number; served: number },
    now: number,
  ): void {
    // In the places that the target allows a call takes about as long as the target: well below it the queue is gone. Then the places
    // double from stretch to stretch, so that one lucky stretch does not bring it back.
    const isStanding = quickest >= (this.#count < this.#most / 2 ? target / 2 : target);
    const wanted = isStanding
      ? Math.max(this.#fewest, Math.round((served / (now - began)) * target))
      : this.#count * 2;
    this.#count = Math.min(this.#most, wanted);
    this.#current = undefined;
  }
}
