import type { NoticeDocument } from "../../contracts/notifications.ts";
import { oldestFirst } from "../../domain/inbox.ts";
import { paged } from "../../mixins/paging.ts";
import type { Store } from "../../mixins/store.ts";

/**
 * How far a look reaches behind the one before (ms). `createdAt` is by the clock of the node that stored, and the document may come
 * into sight 3 s later: a minute bears clocks that nobody has set in a long while, and costs reading a minute's notices twice.
 */
const overlap = 60_000;
/** Keys that are remembered; past these a look may find one again, which its devices then show once all the same. */
const remembered = 50_000;
const pageSize = 500;

/** Finds the notices that this node was not told of, because the hint was lost. */
export class Lookout {
  readonly #store: Store<NoticeDocument>;
  readonly #seen = new Set<string>();
  /** When the last look began that came to its end (ms since 1970). */
  #lookedAt = Date.now();
  #looking: Promise<void> | undefined;

  constructor(store: Store<NoticeDocument>) {
    this.#store = store;
  }

  /** This node was told of the notice with this key. True the first time. */
  note(key: string): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    if (this.#seen.size > remembered) this.#seen.delete(this.#seen.keys().next().value!);
    return true;
  }

  /** Each notice that was stored since a little before the last look and not noted yet. When the store goes away, the next look begins where this one did. */
  look(found: (notice: NoticeDocument) => void): Promise<void> {
    return (this.#looking ??= this.#look(found).finally(() => (this.#looking = undefined)));
  }

  async #look(found: (notice: NoticeDocument) => void): Promise<void> {
    const began = Date.now();
    const since = { createdAt: { $gte: new Date(this.#lookedAt - overlap).toISOString() } };
    for (let cursor: string | undefined, isMore = true; isMore;) {
      const { rows, nextCursor } = await paged(this.#store, since, oldestFirst, { cursor, limit: pageSize });
      for (const notice of rows) if (this.note(notice._id)) found(notice);
      cursor = nextCursor ?? undefined;
      isMore = nextCursor !== null;
    }
    this.#lookedAt = began;
  }
}
