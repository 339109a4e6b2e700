import type { NoticeDocument } from "../../domain/notice.ts";
import { oldestFirst } from "../../domain/inbox.ts";
import { paginate } from "../../store/pagination.ts";
import type { Store } from "../../store/store.ts";

/**
 * How far a look reaches behind the one before, and ahead (ms). `createdAt` is by the clock of the node that stored, and the document may
 * come into sight 3 s later: a minute bears clocks that nobody has set in a long while, and costs counting a minute's notices twice.
 */
const overlap = 60_000;
/** Notices are counted together that were stored within this (ms). */
const width = 5_000;
/** Keys that are remembered; past these a look finds the oldest again, which their devices then show once all the same. */
const remembered = 100_000;
const pageSize = 500;

type Noted = Pick<NoticeDocument, "_id" | "createdAt">;

/** Finds the notices that this node was not told of, because the hint was lost. Where it was told of as many as are stored, it reads none. */
export class MissedNotices {
  readonly #store: Store<NoticeDocument>;
  /** The keys of what this node was told of, by the window it was stored in. */
  readonly #seen = new Map<number, Set<string>>();
  #count = 0;
  /** Until then all was looked for (ms since 1970). */
  #lookedAt = Date.now();
  #looking: Promise<void> | undefined;

  constructor(store: Store<NoticeDocument>) {
    this.#store = store;
  }

  /** This node was told of the notice. True the first time. */
  markSeen({ _id: key, createdAt }: Noted): boolean {
    const window = windowOf(Date.parse(createdAt));
    const seen = this.#seen.get(window) ?? new Set();
    if (seen.has(key)) return false;
    this.#seen.set(window, seen.add(key));
    if (++this.#count > remembered) this.#forget(Math.min(...this.#seen.keys()));
    return true;
  }

  /** Each notice that was stored since a little before the last look and not noted yet. When the store goes away, the next look goes on where this one ended. */
  scan(found: (notice: NoticeDocument) => void): Promise<void> {
    return (this.#looking ??= this.#look(found).finally(() => (this.#looking = undefined)));
  }

  async #look(found: (notice: NoticeDocument) => void): Promise<void> {
    const began = Date.now();
    const [first, last] = [windowOf(this.#lookedAt - overlap), windowOf(began + overlap)];
    for (const window of this.#seen.keys()) if (window < first) this.#forget(window);
    for (let window = first; window <= last; window++) {
      await this.#lookInto(window, found);
      this.#lookedAt = Math.max(this.#lookedAt, Math.min(began, window * width));
    }
  }

  async #lookInto(window: number, found: (notice: NoticeDocument) => void): Promise<void> {
    const stored = { createdAt: { $gte: startOf(window), $lt: startOf(window + 1) } };
    // What the node is told of meanwhile does not count.
    const told = this.#seen.get(window)?.size ?? 0;
    if ((await this.#store.count(stored)) === told) return;
    for (let cursor: string | undefined, isMore = true; isMore;) {
      const { rows, nextCursor } = await paginate(this.#store, stored, oldestFirst, {
        cursor,
        limit: pageSize,
      });
      for (const notice of rows) if (this.markSeen(notice)) found(notice);
      cursor = nextCursor ?? undefined;
      isMore = nextCursor !== null;
    }
  }

  #forget(window: number): void {
    this.#count -= this.#seen.get(window)!.size;
    this.#seen.delete(window);
  }
}

const windowOf = (ms: number) => Math.floor(ms / width);
const startOf = (window: number) => new Date(window * width).toISOString();
