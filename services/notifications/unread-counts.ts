import { afterMark, type NoticeDocument } from "../../domain/notice.ts";
import type { Store } from "../../store/store.ts";

/** Up to this number, each count reads the index. */
const maxExact = 1_000;
/** The largest number that is counted at all. */
const maxCounted = 1_000_000;
/** A larger number is counted again after this time (ms). In the meantime it is adjusted by the changes that this node knows. */
const maxAge = 10_000;
/** Users in memory. */
const maxUsers = 1_000;

interface Large {
  /** By performance.now(). */
  countedAt: number;
  count: Promise<number>;
  /** Changes since then. */
  change: number;
}

/**
 * The numbers of users' unread notices. A count reads at most 1,001 index keys; a user with more than 1,000 is counted fully once in
 * 10 s. Their number is right after changes by this node, and after 10 s whatever happens.
 */
export class UnreadCounts {
  readonly #store: Store<NoticeDocument>;
  readonly #large = new Map<string, Large>();

  constructor(store: Store<NoticeDocument>) {
    this.#store = store;
  }

  /** Notices up to `mark` are read. */
  async of(userId: string, mark: string | undefined): Promise<number> {
    const query = { userId, isRead: false, ...afterMark(mark) };
    const count = await this.#store.count(query, maxExact + 1);
    if (count > maxExact) return Math.max(count, await this.#ofLarge(userId, query));
    this.#large.delete(userId);
    return count;
  }

  /** Notices of a user were stored, or (negative) marked as read. */
  add(userId: string, change: number): void {
    const large = this.#large.get(userId);
    if (large) large.change += change;
  }

  forget(userId: string): void {
    this.#large.delete(userId);
  }

  async #ofLarge(userId: string, query: object): Promise<number> {
    const known = this.#large.get(userId);
    if (known && performance.now() - known.countedAt < maxAge)
      return (await known.count) + known.change;
    const count = this.#store.count({ ...query }, maxCounted);
    this.#large.set(userId, { countedAt: performance.now(), count, change: 0 });
    if (this.#large.size > maxUsers) this.#large.delete(this.#large.keys().next().value!);
    // A failed count must not be remembered.
    count.catch(() => this.forget(userId));
    return count;
  }
}
