import { backoff } from "../retry.ts";
import { Timers } from "./timers.ts";

/** A reconnection that takes longer is shown as `paused`, or as `polling` when the inbox was read by REST. */
const overdueAfterMs = 3_000;
/** The bounds of the wait before another attempt to connect: after the first failure, and at most. */
const [firstWaitMs, longestWaitMs] = [1_000, 8_000];
/** The bound while the inbox can be read by REST: then it is only the sockets that cannot be reached, perhaps for good. */
const longestWaitPollingMs = 30_000;
/** After a 429, waits are as long as after this number of failures. */
const failuresWhenLimited = 5;

/** The timers of lost connections. */
export class Reconnection {
  /** There has been no connection for longer than three seconds. */
  isOverdue = false;
  readonly #timers = new Timers<"attempt" | "overdue">();
  readonly #attempt: () => void;
  readonly #overdue: () => void;
  #failures = 0;

  constructor(attempt: () => void, overdue: () => void) {
    [this.#attempt, this.#overdue] = [attempt, overdue];
  }

  /** Whether an attempt is planned. */
  get isPlanned(): boolean {
    return this.#timers.has("attempt");
  }

  /** There is no connection yet, or no longer. */
  begin(): void {
    if (this.isOverdue || this.#timers.has("overdue")) return;
    this.#timers.set("overdue", overdueAfterMs, () => {
      this.isOverdue = true;
      this.#overdue();
    });
  }

  /** Plans another attempt, with jitter: all clients of a server that restarts are disconnected at the same time. */
  retry(isPolling: boolean): void {
    const wait = backoff(
      this.#failures++,
      firstWaitMs,
      isPolling ? longestWaitPollingMs : longestWaitMs,
    );
    this.#timers.set("attempt", wait, this.#attempt);
  }

  /** The server has too many connections. */
  slowDown(): void {
    this.#failures = Math.max(this.#failures, failuresWhenLimited);
  }

  cancel(): void {
    this.#timers.clear("attempt");
  }

  /** There is a connection, or none is wanted. */
  end(): void {
    this.#failures = 0;
    this.isOverdue = false;
    this.#timers.clear("attempt", "overdue");
  }
}
