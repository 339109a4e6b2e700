import { due, dueBetween, ofKinds, type Owner } from "../domain/outbox.ts";
import type { Query, Store } from "../store/store.ts";

/** The limit of one poll: as many documents as were delivered after the last one, within these bounds. */
const minLimit = 500;
const maxLimit = 8_000;
/** Behind a backlog, a poll reads up to a quarter more: entries that have just become due. */
const freshShare = 1 / 4;
/** They became due after the last poll, or up to 10 s before it (ms): another node's clock may be slow, and its write visible late. */
const overlapMs = 10_000;
/** The order of the index. */
const byDueTime = { "outbox.dueAt": 1, _id: 1 } as const;

/** Finds the documents with due entries: the oldest, and those that have just become due, so that they do not wait behind a backlog. */
export class Backlog<Doc extends Owner> {
  readonly #store: Store<Doc>;
  #limit = minLimit;
  /** When the last poll began (ms since 1970). */
  #polledAt = 0;

  constructor(store: Store<Doc>) {
    this.#store = store;
  }

  /** Due documents, each once. With `kinds`, only those with a due entry of one of them. */
  async poll(kinds?: string[]): Promise<Doc[]> {
    const now = this.#store.now().getTime();
    const oldest = await this.#find(due(new Date(now)), now, this.#limit, kinds);
    const lastPolledAt = this.#polledAt;
    this.#polledAt = now;
    if (!this.isBehind(oldest.length)) return oldest;
    const reached = Date.parse(oldest.at(-1)?.outbox?.dueAt ?? "") || 0;
    const since = Math.max(reached, Math.min(lastPolledAt, now) - overlapMs);
    const query = dueBetween(new Date(since), new Date(now));
    const fresh = await this.#find(query, now, this.#limit * freshShare, kinds);
    return [...fresh, ...oldest];
  }

  /** The document with the oldest due entry of one kind. */
  async probe(kind: string): Promise<Doc[]> {
    const now = this.#store.now().getTime();
    return this.#find(due(new Date(now)), now, 1, [kind]);
  }

  #find(query: Query, now: number, limit: number, kinds?: string[]): Promise<Doc[]> {
    const filter = kinds ? ofKinds(kinds, new Date(now)) : {};
    return this.#store.find({ ...query, ...filter }, { sort: byDueTime, limit: Math.ceil(limit) });
  }

  /** Whether there may be more than the limit of one poll. */
  isBehind(found: number): boolean {
    return found >= this.#limit;
  }

  /** Adapts the limit to the number of documents that were delivered after the last poll. */
  adapt(delivered: number): void {
    this.#limit = Math.round(Math.min(Math.max(minLimit, 1.5 * delivered), maxLimit));
  }
}
