import type { Service } from "moleculer";
import { codeOf } from "../../broker/refusal.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { refolded } from "../../domain/offer.ts";
import { formerWords } from "../../domain/words.ts";
import type { Index, Store } from "../../store/store.ts";

/** Finds the items that have former words. Once there are none, a query reads nothing. */
export const formerWordsIndex: Index = { fields: ["words.0"] };

/** Items that are read, and then rewritten, at a time. */
const batchSize = 20;
/** How often a node looks for them (ms). */
const pollEveryMs = 10_000;

/**
 * Rewrites the words of items that version 0.1.0 stored, so that searches find them by the present rule. Its nodes may
 * still write some, so it looks for them all the time. Several nodes may do so.
 */
export class FormerWords {
  readonly #store: Store<ItemDocument>;
  readonly #logger: Service["logger"];
  #running: Promise<number> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(store: Store<ItemDocument>, logger: Service["logger"]) {
    this.#store = store;
    this.#logger = logger;
  }

  start(): void {
    this.#timer = setInterval(() => this.#poll(), pollEveryMs).unref();
    void this.#poll();
  }

  /** Resolves with the number of rewritten items. Throws UNAVAILABLE; the rest is left for the next call then. */
  rewrite(): Promise<number> {
    return (this.#running ??= this.#rewriteAll().finally(() => (this.#running = undefined)));
  }

  /** Resolves when the batch that is being written is complete. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopped = true;
    await this.#running?.catch(() => {});
  }

  async #poll(): Promise<void> {
    try {
      const count = await this.rewrite();
      if (count > 0) this.#logger.info(`Made ${count} items of version 0.1.0 findable.`);
    } catch (error) {
      this.#logger.debug(`Could not rewrite the words of items: ${codeOf(error)}.`);
    }
  }

  async #rewriteAll(): Promise<number> {
    let count = 0;
    while (!this.#isStopped) {
      const items = await this.#store.find(formerWords, { limit: batchSize });
      // The condition is that neither a revision nor another node has changed the words since. A sale does not matter.
      const changed = await Promise.all(items.map((item) => this.#store.change(...refolded(item))));
      const rewritten = changed.filter(Boolean).length;
      count += rewritten;
      // When other writes were first with all of them, the next call goes on.
      if (items.length < batchSize || rewritten === 0) break;
    }
    return count;
  }
}
