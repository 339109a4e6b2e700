import { due, dueBetween, ofKinds, type Owner } from "../domain/outbox.ts";
import type { Query, Store } from "../store/store.ts";

/** The limit of one poll: as many documents as were delivered after the last one, within these bounds. */
const minLimit = 500;
const maxLimit = 8_000;
/** A window of time is not shorter than this (ms). */
const minWindowMs = 100;
/** Each poll reads the due times of the last 10 s again (ms): another node's clock may be slow, and its write visible late. */
const overlapMs = 10_000;
/** The order of the index. */
const byDueTime = { "outbox.dueAt": 1, _id: 1 } as const;

/** Finds the documents with due entries: the oldest, and those that became due since the last poll, so that they do not wait behind a backlog. */
export class Backlog<Doc extends Owner> {
  readonly #store: Store<Doc>;
  #limit = minLimit;
  /** The due time that the last poll reached (ms since 1970). */
  #scannedTo = 0;
  /** The next poll reads this much further (ms): the time in which a full poll of documents became due. */
  #windowMs = Infinity;
  /** When the last poll began (ms since 1970). */
  #polledAt = 0;

  constructor(store: Store<Doc>) {
    this.#store = store;
  }

  /** The due documents, in order of due time. With `kinds`, only those with a due entry of one of them. */
  async poll(kinds?: string[]): Promise<Doc[]> {
    const now = Date.now();
    // The windows count the entries of all kinds. They do not fit a poll for some of them.
    if (kinds) return this.#find(due(new Date(now)), now, this.#limit, kinds);
    const old = await this.#oldest(now, this.#limit);
    const since = Math.max(this.#scannedTo, this.#polledAt - overlapMs);
    this.#polledAt = now;
    if (this.#scannedTo === now) return old;
    const query = dueBetween(new Date(since), new Date(now));
    const fresh = await this.#find(query, now, Math.ceil(this.#limit / 4));
    return [...fresh, ...old];
  }

  /** Reads window by window, because a database may read all that is due before it applies the limit (docs/decisions/008). */
  async #oldest(now: number, limit: number): Promise<Doc[]> {
    for (;;) {
      const until = Math.min(this.#scannedTo + this.#windowMs, now);
      const found = await this.#find(due(new Date(until)), now, limit);
      if (found.length === limit) {
        const [first, last] = [dueTimeOf(found[0]!, now), dueTimeOf(found.at(-1)!, now)];
        this.#windowMs = Math.max(minWindowMs, last - first);
        this.#scannedTo = last;
        return found;
      }
      if (until === now) {
        this.#scannedTo = now;
        return found;
      }
      this.#windowMs *= 2;
    }
  }

  /** The document with the oldest due entry of one kind. */
  async probe(kind: string): Promise<Doc[]> {
    const now = Date.now();
    return this.#find(due(new Date(now)), now, 1, [kind]);
  }

  #find(query: Query, now: number, limit: number, kinds?: string[]): Promise<Doc[]> {
    const filter = kinds ? ofKinds(kinds, new Date(now)) : {};
    return this.#store.find({ ...query, ...filter }, { sort: byDueTime, limit });
  }

  /** Whether there is more than one poll delivers. */
  isBehind(found: number): boolean {
    return found >= this.#limit;
  }

  /** Adapts the limit to the number of documents that were delivered after the last poll. */
  adapt(delivered: number): void {
    this.#limit = Math.round(Math.min(Math.max(minLimit, 1.5 * delivered), maxLimit));
  }
}

const dueTimeOf = ({ outbox }: Owner, otherwise: number) =>
  Date.parse(outbox?.dueAt ?? "") || otherwise;
