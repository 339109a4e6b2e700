/** How far the server's clock is ahead of this one, from the Date headers of responses. */

/** Responses that took longer say too little (ms). */
const maxRoundTripMs = 5_000;
/** Date headers have whole seconds (ms). */
const resolutionMs = 1_000;

export class ServerClock {
  #aheadMs = 0;

  /** Takes the `date` header of a response. `sentAt` and `receivedAt` are times of this clock, in epoch milliseconds. */
  learn(date: string | null, sentAt: number, receivedAt: number): void {
    const at = Date.parse(date ?? "");
    const took = receivedAt - sentAt;
    if (Number.isNaN(at) || took < 0 || took > maxRoundTripMs) return;
    const aheadMs = at + resolutionMs / 2 - (sentAt + receivedAt) / 2;
    // A difference below the resolution is none.
    this.#aheadMs = Math.abs(aheadMs) < took / 2 + resolutionMs ? 0 : aheadMs;
  }

  /** The server's time when this clock shows `now`; the same until a response has arrived. Epoch milliseconds. */
  at(now: number): number {
    return now + this.#aheadMs;
  }
}
