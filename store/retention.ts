/** Removes what nobody needs any more (decision 038): in small batches, with pauses, by one node of a service. */
import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "moleculer";
import { codeOf } from "../broker/refusal.ts";

/** Documents that one step reads at most: a few milliseconds of a database's time. */
export const stepSize = 100;
/** After a step the database rests this many times as long as the step took: the work is a tenth of the time. */
const restFactor = 9;
/** The shortest rest (ms). */
const minRestMs = 50;
/** How often old data is looked for (ms), the first time after the start, and after a failure. */
const [everyMs, firstMs, retryMs] = [6 * 3_600_000, 5 * 60_000, 10 * 60_000];

/** One kind of data that ends. */
export interface Sweep {
  /** The data, as in the log line: "read notices". */
  what: string;
  /**
   * Reads up to `stepSize` documents after the cursor and removes what has ended in them. `cursor` is that of the next step, null
   * after the last one. Another node may do the same at the same time.
   */
  next(cursor: string | undefined, now: Date): Promise<{ removed: number; cursor: string | null }>;
}

interface Options {
  now: () => Date;
  logger: Pick<Service["logger"], "info" | "debug">;
  /** Whether this node does the work now. */
  isMine: () => boolean;
  rest?: (ms: number) => Promise<unknown>;
}

export class Retention {
  readonly #sweeps: Sweep[];
  readonly #options: Required<Options>;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(sweeps: Sweep[], options: Options) {
    const { signal } = this.#stopped;
    const rest = (ms: number) => pause(ms, undefined, { ref: false, signal }).catch(() => {});
    this.#sweeps = sweeps;
    this.#options = { rest, ...options };
  }

  start(): void {
    this.#later(firstMs);
  }

  /** Resolves when the step that is being done is complete. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#running?.catch(() => {});
  }

  /** Removes everything that has ended by now. Rejects when the database is unavailable: the rest is removed the next time. */
  run(): Promise<void> {
    return (this.#running ??= this.#runAll().finally(() => (this.#running = undefined)));
  }

  #later(ms: number): void {
    // Nodes that start together do not work in step.
    this.#timer = setTimeout(() => void this.#runAndPlan(), ms * (1 + Math.random() / 4)).unref();
  }

  async #runAndPlan(): Promise<void> {
    const failure = await this.run().catch((error: unknown) => codeOf(error));
    if (failure) this.#options.logger.debug(`Could not remove old data: ${failure}.`);
    if (!this.#stopped.signal.aborted) this.#later(failure ? retryMs : everyMs);
  }

  async #runAll(): Promise<void> {
    for (const sweep of this.#sweeps) {
      const removed = await this.#sweep(sweep);
      if (removed > 0) this.#options.logger.info(`Removed ${removed} ${sweep.what}.`);
    }
  }

  async #sweep(sweep: Sweep): Promise<number> {
    const { now, isMine, rest } = this.#options;
    let removed = 0;
    for (let cursor: string | null | undefined; cursor !== null;) {
      if (this.#stopped.signal.aborted || !isMine()) break;
      const began = performance.now();
      const step = await sweep.next(cursor, now());
      removed += step.removed;
      cursor = step.cursor;
      if (cursor !== null)
        await rest(Math.max(minRestMs, restFactor * (performance.now() - began)));
    }
    return removed;
  }
}
