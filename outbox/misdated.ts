import { farAhead, straightened, type Outbox, type Owner } from "../domain/outbox.ts";
import { paginate } from "../store/pagination.ts";
import type { Store } from "../store/store.ts";

/** Documents that one check reads: nearly always none, because only scheduled entries are due so late. */
const pageSize = 500;
/** The order of the index. */
const byDueTime = { field: "outbox.dueAt", direction: 1 } as const;

/**
 * Finds documents whose due time or lease a wrong clock has set far into the future, and makes them due now: a wrong clock costs repeated
 * deliveries, never a delay. Each check reads one page, the next one the page after it, so that entries that are due late for
 * good reason cost a bounded time.
 */
export class Misdated<Doc extends Owner> {
  readonly #store: Store<Doc>;
  #cursor: string | undefined;

  constructor(store: Store<Doc>) {
    this.#store = store;
  }

  /** The number of documents on this page that were made due. */
  async straighten(): Promise<number> {
    const now = this.#store.now();
    const page = { cursor: this.#cursor, limit: pageSize };
    const { rows, nextCursor } = await paginate(this.#store, farAhead(now), byDueTime, page);
    this.#cursor = nextCursor ?? undefined;
    const wrong = rows.flatMap(({ _id, outbox }) => {
      const right = outbox && straightened(outbox, now);
      return right ? [{ _id, right }] : [];
    });
    const groups = Map.groupBy(wrong, ({ right }) => JSON.stringify(right));
    for (const group of groups.values())
      await this.#write(
        group.map(({ _id }) => _id),
        group[0]!.right,
        now,
      );
    return wrong.length;
  }

  /** A document that was claimed or changed since is left alone, unless that clock is wrong, too. */
  async #write(ids: string[], outbox: Outbox, now: Date): Promise<void> {
    await this.#store.changeMany(
      { _id: { $in: ids }, ...farAhead(now), "outbox.version": outbox.version },
      { $set: { outbox } },
    );
  }
}
