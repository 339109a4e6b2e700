/** Milliseconds that a call may take while no queue is standing: about as long as people wait without noticing. */
const targetMs = 500;
/** Milliseconds of calls that are judged together. */
const windowMs = 500;

interface Window {
  startedAt: number;
  completed: number;
  byNetwork: Map<string, Calls>;
}

/** The calls of one network in a window. */
interface Calls {
  completed: number;
  /** Milliseconds that the fastest one took. */
  fastest: number;
}

/**
 * Adaptive admission control for the calls to one service, after CoDel. A short queue does no harm: a
 * burst of a thousand calls is admitted. While even the fastest call of a 500 ms window exceeds the
 * target, the queue is standing: then the limit is the number of calls that one target's time can serve
 * at the window's rate, so an admitted call waits about that long and the rest is shed. The fastest call
 * decides, because single calls can also be slow for other reasons: the fastest of each network, because networks
 * wait in queues of their own, and a network with one call waits for none.
 *
 * Times are milliseconds of any one clock.
 */
export class AdmissionControl {
  readonly #max: number;
  /** The limit never falls below this; half of it in flight is not a queue, however slow the calls are. */
  readonly #min: number;
  #limit: number;
  #inFlight = 0;
  #window: Window | undefined;

  constructor(max: number, min: number) {
    this.#max = this.#limit = max;
    this.#min = min;
  }

  /** The calls that may be in flight now. */
  get limit(): number {
    return this.#limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isFull(): boolean {
    return this.#inFlight >= this.#limit;
  }

  admit(): void {
    this.#inFlight++;
  }

  release(admittedAt: number, now: number, network = ""): void {
    if (--this.#inFlight < this.#min / 2) return this.#reset();
    const window = (this.#window ??= { startedAt: now, completed: 0, byNetwork: new Map() });
    const calls = window.byNetwork.get(network) ?? { completed: 0, fastest: Infinity };
    window.byNetwork.set(network, calls);
    calls.fastest = Math.min(calls.fastest, now - admittedAt);
    calls.completed++;
    window.completed++;
    // The first slow call may begin an overload or only a burst: half the limit is enough for a burst.
    if (now - admittedAt > targetMs) this.#limit = Math.min(this.#limit, this.#max / 2);
    if (now - window.startedAt >= windowMs) this.#adapt(window, now);
  }

  #reset(): void {
    this.#limit = this.#max;
    this.#window = undefined;
  }

  #adapt({ startedAt, completed, byNetwork }: Window, now: number): void {
    // Under a reduced limit a call takes about the target, so only well below the target the queue is
    // gone. The limit then doubles in each window: one lucky window does not bring the queue back.
    const threshold = this.#limit < this.#max / 2 ? targetMs / 2 : targetMs;
    let queued = 0;
    for (const calls of byNetwork.values())
      if (calls.fastest >= threshold) queued += calls.completed;
    const limit =
      queued > completed / 2
        ? Math.max(this.#min, Math.round((completed / (now - startedAt)) * targetMs))
        : this.#limit * 2;
    this.#limit = Math.min(this.#max, limit);
    this.#window = undefined;
  }
}
