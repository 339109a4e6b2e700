import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "moleculer";
import { codeOf } from "../../broker/refusal.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import type { Store } from "../../store/store.ts";

/** Receipts of this time are written together (ms). The earliest message that a receipt cancels is due 30 s after its notice. */
const collectMs = 200;
/** Notices in one write. */
const maxPerWrite = 500;
/** Receipts in memory while the database is away. Above this the newest are dropped: their notices are escalated needlessly. */
const maxWaiting = 100_000;
/** The pause after a failed write (ms). */
const retryMs = 1_000;
/** Receipts that were written, so that the user's next device writes nothing. */
const maxWritten = 20_000;

/**
 * Stores when notices were first shown to their users (`shownAt`, late by up to 0.2 s, and by an outage of the database). Receipts are
 * collected, and written several at a time; nobody waits for them.
 */
export class Receipts {
  readonly #store: Store<NoticeDocument>;
  readonly #logger: Pick<Service["logger"], "debug">;
  /** The keys of notices that were shown. */
  readonly #waiting = new Set<string>();
  /** The keys that were written lately. */
  #written = new Set<string>();
  #writing: Promise<void> | undefined;
  #isStopping = false;

  constructor(store: Store<NoticeDocument>, logger: Pick<Service["logger"], "debug">) {
    [this.#store, this.#logger] = [store, logger];
  }

  /** A device of their user, or a list that the user asked for, has shown the notices with these keys. */
  shown(keys: string[]): void {
    for (const key of keys)
      if (!this.#written.has(key) && this.#waiting.size < maxWaiting) this.#waiting.add(key);
    if (this.#waiting.size > 0 && !this.#isStopping)
      this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** Whether a notice was shown, and that waits to be written. */
  isWaiting(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** Writes what waits, unless the database is away. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#writing;
    await this.#writeOnce();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#isStopping) {
      await pause(collectMs, undefined, { ref: false });
      if (!this.#isStopping && !(await this.#writeOnce()))
        await pause(retryMs, undefined, { ref: false });
    }
  }

  /** Whether the write succeeded. Otherwise its notices wait for the next one. */
  async #writeOnce(): Promise<boolean> {
    const batch = [...this.#waiting].slice(0, maxPerWrite);
    if (batch.length === 0) return true;
    const shownAt = this.#store.now().toISOString();
    try {
      const notShown = { _id: { $in: batch }, shownAt: { $exists: false } };
      await this.#store.changeMany(notShown, { $set: { shownAt } });
    } catch (error) {
      this.#logger.debug(`Could not store receipts: ${codeOf(error)}.`);
      return false;
    }
    if (this.#written.size > maxWritten) this.#written = new Set();
    for (const key of batch) {
      this.#waiting.delete(key);
      this.#written.add(key);
    }
    return true;
  }
}
