import { oldestFirst } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { paginate } from "../../store/pagination.ts";
import type { Store } from "../../store/store.ts";

/**
 * How far a scan reaches behind the last one and ahead of the clock (ms). `createdAt` comes from the clock of
 * the node that stored the notice, and a write becomes visible up to 3 s later. One minute tolerates clocks
 * that are not synchronized, and costs counting one minute's notices twice.
 */
const overlap = 60_000;
/** Notices are counted per window of `createdAt` (ms). */
const windowSize = 5_000;
/** Keys in memory. Above this the oldest are dropped; a scan finds them again, and clients ignore the repetition. */
const maxKeys = 100_000;
const pageSize = 500;
/** Windows of one scan that are counted one by one: twice the usual number. */
const maxWindows = 60;

type Seen = Pick<NoticeDocument, "_id" | "createdAt">;

/**
 * Reconciliation: finds stored notices that this node has not seen because their broadcast was lost. It
 * counts per window, and reads only the windows whose counts differ.
 */
export class MissedNotices {
  readonly #store: Store<NoticeDocument>;
  /** The keys of the notices that this node has seen, by window. */
  readonly #seen = new Map<number, Set<string>>();
  #count = 0;
  /** Everything up to this instant was scanned (ms since 1970). */
  #scannedTo: number;
  readonly #now: () => number;
  #scanning: Promise<void> | undefined;

  /** `now` is the clock that new notices get their `createdAt` from (ms since 1970). */
  constructor(store: Store<NoticeDocument>, now = () => Date.now()) {
    [this.#store, this.#now, this.#scannedTo] = [store, now, now()];
  }

  /** Marks a notice as seen by this node. True the first time. */
  markSeen({ _id: key, createdAt }: Seen): boolean {
    const window = windowOf(Date.parse(createdAt));
    const seen = this.#seen.get(window) ?? new Set();
    if (seen.has(key)) return false;
    this.#seen.set(window, seen.add(key));
    if (++this.#count > maxKeys) this.#forget(Math.min(...this.#seen.keys()));
    return true;
  }

  /** Calls `found` for each missed notice. After a failure of the store, the next scan continues where this one ended. */
  scan(found: (notice: NoticeDocument) => void): Promise<void> {
    return (this.#scanning ??= this.#scanAll(found).finally(() => (this.#scanning = undefined)));
  }

  async #scanAll(found: (notice: NoticeDocument) => void): Promise<void> {
    const began = this.#now();
    // The clock was set back.
    this.#scannedTo = Math.min(this.#scannedTo, began);
    const [first, last] = [windowOf(this.#scannedTo - overlap), windowOf(began + overlap)];
    for (const window of this.#seen.keys()) if (window < first) this.#forget(window);
    // After a jump of the clock, or a long outage, the time before is counted as one window.
    const end = Math.max(first, last - maxWindows);
    if (end > first) await this.#scanWindows(first, end, found);
    for (let window = end; window <= last; window++) {
      await this.#scanWindows(window, window + 1, found);
      this.#scannedTo = Math.max(this.#scannedTo, Math.min(began, window * windowSize));
    }
  }

  /** The windows from `first` to before `end`. */
  async #scanWindows(
    first: number,
    end: number,
    found: (notice: NoticeDocument) => void,
  ): Promise<void> {
    const query = { createdAt: { $gte: startOf(first), $lt: startOf(end) } };
    // Taken before the query: notices that are seen during it must not count.
    const seen = this.#countSeen(first, end);
    if ((await this.#store.count(query)) === seen) return;
    for (let cursor: string | undefined, isMore = true; isMore;) {
      const { rows, nextCursor } = await paginate(this.#store, query, oldestFirst, {
        cursor,
        limit: pageSize,
      });
      for (const notice of rows) if (this.markSeen(notice)) found(notice);
      cursor = nextCursor ?? undefined;
      isMore = nextCursor !== null;
    }
  }

  #countSeen(first: number, end: number): number {
    if (end === first + 1) return this.#seen.get(first)?.size ?? 0;
    return [...this.#seen]
      .filter(([window]) => window >= first && window < end)
      .reduce((sum, [, { size }]) => sum + size, 0);
  }

  #forget(window: number): void {
    this.#count -= this.#seen.get(window)!.size;
    this.#seen.delete(window);
  }
}

const windowOf = (ms: number) => Math.floor(ms / windowSize);
const startOf = (window: number) => new Date(window * windowSize).toISOString();
