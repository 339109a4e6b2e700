import type { Ordering } from "../domain/cursor.ts";
import { paginate } from "./pagination.ts";
import type { Store } from "./store.ts";

/** No page starts later in one call (ms): an answer must come before the call's timeout. */
export const maxCallMs = 3_000;

/**
 * Passes the documents of a query, page by page, to `handle`, for `maxMs`. Resolves with the cursor where the next call
 * continues, or null. `handle` returns false to end the call early. Throws BAD_DATA for a cursor of another list.
 */
export async function eachPage<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  { cursor, limit, maxMs = maxCallMs }: { cursor?: string; limit: number; maxMs?: number },
  handle: (rows: Doc[]) => Promise<unknown>,
): Promise<string | null> {
  const endsAt = performance.now() + maxMs;
  for (let from = cursor; ;) {
    const { rows, nextCursor } = await paginate(store, query, ordering, { cursor: from, limit });
    const goesOn = await handle(rows);
    if (nextCursor === null || goesOn === false || performance.now() > endsAt) return nextCursor;
    from = nextCursor;
  }
}
