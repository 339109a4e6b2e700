import type { CallOptions } from "./call.ts";
import { notSignedIn } from "./souk-error.ts";

/** A list that is read by pages. */
export interface List<Query, Page, Entry> {
  /** One page: the first, or the one at `cursor`. */
  (query?: Query, options?: CallOptions): Promise<Page>;
  /**
   * All entries, each once, for `for await`. A page is read when its first entry is needed. Keeps the id of each entry, because an entry may
   * move to a later page while the list is read.
   */
  all(query?: Query, options?: CallOptions): AsyncGenerator<Entry, void, undefined>;
}

interface ListSource<Query, Page, Entry> {
  page(query: Query, options?: CallOptions): Promise<Page>;
  entries(page: Page): readonly Entry[];
  /** For a private list: the id of the signed-in user. */
  owner?: () => string | undefined;
}

export function listOf<
  Query extends { cursor?: string | undefined },
  Page extends { nextCursor: string | null },
  Entry extends { id: string },
>(source: ListSource<Query, Page, Entry>): List<Query, Page, Entry> {
  const read = (query = {} as Query, options?: CallOptions) => source.page(query, options);
  const all = (query = {} as Query, options?: CallOptions) => readAll(source, query, options);
  return Object.assign(read, { all });
}

/** A page may be short or empty and still have a cursor. */
async function* readAll<
  Query extends { cursor?: string | undefined },
  Page extends { nextCursor: string | null },
  Entry extends { id: string },
>(
  { page: readPage, entries, owner }: ListSource<Query, Page, Entry>,
  query: Query,
  options: CallOptions | undefined,
): AsyncGenerator<Entry, void, undefined> {
  const seen = new Set<string>();
  let reader: string | undefined;
  for (let cursor = query.cursor ?? null, isFirst = true; isFirst || cursor; isFirst = false) {
    const page = await readPage({ ...query, cursor: cursor ?? undefined }, options);
    reader ??= owner?.();
    if (reader !== owner?.()) throw notSignedIn("Another user is signed in now.");
    for (const entry of entries(page)) {
      if (seen.has(entry.id)) continue;
      seen.add(entry.id);
      yield entry;
      options?.signal?.throwIfAborted();
    }
    cursor = page.nextCursor;
  }
}
