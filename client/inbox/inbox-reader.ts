import { backoff } from "../retry.ts";
import { SoukError } from "../souk-error.ts";
import { attention } from "./attention.ts";
import type { InboxCalls } from "./calls.ts";
import type { InboxMerge } from "./inbox-merge.ts";
import { readDelay } from "./pace.ts";
import { Timers } from "./timers.ts";

/** A read before the first connection is live, when that takes longer. */
const firstReadMs = 2_000;
/** After a lost connection. A server that restarts is back before that, and its clients must not all read at the same time. */
const [firstReadAfterLossMs, lossJitterMs] = [3_000, 2_000];
/** When the network or the user is back: usually the connection is back earlier. */
const readAfterReturnMs = 1_000;
/** The bounds of the wait before a live inbox is read again because it is uncertain, plus 300 ms in which more events may arrive. */
const [firstRefetchMs, longestRefetchMs] = [1_000, 30_000];

/**
 * Reads the inbox by REST: at intervals while it is not live, and when pushed events leave it uncertain. Calls `changed` after every
 * read; then `plan` sets the timer of the next one.
 */
export class InboxReader {
  /** The inbox of a connection has arrived, and the connection is not lost. */
  isLive = false;
  /** The inbox is not live, and the last read succeeded. */
  isPolling = false;
  readAt: Date | null = null;
  error: SoukError | null = null;
  readonly #calls: InboxCalls;
  readonly #merge: () => InboxMerge;
  readonly #changed: () => void;
  readonly #timers = new Timers<"read">();
  /** When the timer ends and the last read began, by performance.now(). */
  #dueAt = 0;
  #beganAt = -Infinity;
  #isStarted = false;
  /** Reads without news since the network or the user was last back. */
  #reads = 0;
  #refetches = 0;
  /** Changes with every connection that becomes live or is lost. */
  #epoch = 0;
  #reading: Promise<void> | undefined;

  constructor(calls: InboxCalls, merge: () => InboxMerge, changed: () => void) {
    [this.#calls, this.#merge, this.#changed] = [calls, merge, changed];
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#readIn(firstReadMs);
  }

  stop(): void {
    this.#isStarted = this.isLive = this.isPolling = false;
    this.#epoch++;
    this.#reads = 0;
    this.#timers.clear("read");
  }

  /** Another user is signed in. The result of a read for the previous one is ignored. */
  reset(): void {
    this.isLive = this.isPolling = false;
    this.#epoch++;
    this.#reads = 0;
    this.readAt = this.error = null;
    this.#reading = undefined;
    this.#beganAt = -Infinity;
    if (this.#isStarted) this.#readIn(firstReadMs);
  }

  /** The inbox of a connection has arrived. */
  goLive(): void {
    this.isLive = true;
    this.isPolling = false;
    this.#epoch++;
    this.#reads = 0;
    this.readAt = new Date();
    this.error = null;
    this.#timers.clear("read");
  }

  /** The connection was lost, or an attempt to connect failed. */
  connectionFailed(): void {
    if (this.isLive) {
      this.isLive = false;
      this.#epoch++;
      this.#readIn(firstReadAfterLossMs + Math.random() * lossJitterMs);
    } else if (!this.#merge().isLoaded && this.#reads === 0 && !this.#reading)
      this.#readIn(Math.random() * 500);
  }

  /** The network or the user is back. */
  returned(): void {
    if (!this.#isStarted || this.isLive || this.#reading) return;
    this.#reads = 0;
    const now = performance.now();
    const wait = now - this.#beganAt > 2 * readAfterReturnMs ? readAfterReturnMs : this.#delay();
    if (!this.#timers.has("read") || this.#dueAt > now + wait) this.#readIn(wait);
  }

  /** Sets the timer of the next read, if one is needed. */
  plan(): void {
    if (!this.#isStarted || this.#reading || this.#timers.has("read")) return;
    if (!this.isLive) this.#readIn(this.#delay());
    else if (!this.#merge().needsRefetch()) this.#refetches = 0;
    else this.#readIn(300 + backoff(this.#refetches++, firstRefetchMs, longestRefetchMs));
  }

  /** Reads the inbox now. Failures are kept in `error`. */
  read(): Promise<void> {
    if (this.#reading) return this.#reading;
    const reading = this.#readOnce().finally(() => {
      if (this.#reading === reading) this.#reading = undefined;
      this.#changed();
    });
    return (this.#reading = reading);
  }

  async #readOnce(): Promise<void> {
    const [merge, epoch, newest] = [this.#merge(), this.#epoch, this.#merge().newestId];
    const mark = merge.mark();
    this.#timers.clear("read");
    this.#beganAt = performance.now();
    try {
      const inbox = await this.#calls.unread();
      if (merge !== this.#merge()) return;
      merge.merge(inbox, mark, this.isLive && epoch === this.#epoch);
      this.readAt = new Date();
      this.error = null;
      this.isPolling = this.#isStarted && !this.isLive;
      this.#reads = merge.newestId === newest ? this.#reads + 1 : 0;
    } catch (error) {
      if (merge !== this.#merge() || this.isLive) return;
      this.error = error instanceof SoukError ? error : null;
      this.isPolling = false;
      this.#reads++;
    }
  }

  #delay(): number {
    return Math.max((this.error?.retryAfter ?? 0) * 1000, readDelay(attention(), this.#reads));
  }

  #readIn(ms: number): void {
    this.#dueAt = performance.now() + ms;
    this.#timers.set("read", ms, () => void this.read());
  }
}
