import { badData, refusal } from "../broker/refusal.ts";
import { afterCursor, lastValue, sortOf, toPage, upTo, type Ordering } from "../domain/cursor.ts";
import { pageHints } from "./page-hints.ts";
import type { Query, Store } from "./store.ts";

const defaultLimit = 20;

/** A query for a first page that takes longer is not tried again. A store may take 3 s for one query, and a call 5 s in all. */
const slowQueryMs = 2_000;

/**
 * Cursor pagination: one page of the documents that a query finds, and the cursor of the next page. Throws
 * BAD_DATA for a cursor of another list, and UNAVAILABLE when the first page takes too long.
 */
export async function paginate<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  { cursor, limit = defaultLimit }: { cursor?: string; limit?: number },
) {
  const rest = afterCursor(cursor, ordering, ordering.field === "price" ? "number" : "string");
  if (!rest) throw badData([{ field: "cursor", message: "belongs to another list" }]);
  // One row more than the limit shows whether there is a next page.
  const options = { sort: sortOf(ordering), limit: limit + 1 };
  const find = (bounds: object) =>
    store.find({ ...query, ...bounds, ...merged(query, bounds, ordering.field) }, options);
  // A search (`$and`, domain/catalogue.ts) gets no bound: the database might choose the bound's index over
  // that of the words (decision 008). A query on the ordering's field has a bound of its own.
  const isBounded = cursor === undefined && !(ordering.field in query) && !("$and" in query);
  const rows = isBounded
    ? await firstPage(store, find, { query, ordering, limit })
    : await find(rest);
  return toPage(rows, limit, ordering);
}

/** The conditions of a query and of a cursor on one field, combined. For the same operator the cursor's wins. */
function merged(query: object, bounds: object, field: string) {
  const [own, fromCursor] = [query, bounds].map((part) => (part as Query)[field]);
  return own && fromCursor ? { [field]: { ...own, ...fromCursor } } : {};
}

/**
 * The first page, searched no further than where it ended last time (decision 008). New documents come
 * before that, so the page is still full unless some of its documents were removed.
 */
async function firstPage<Doc extends { _id: string }>(
  store: Store<Doc>,
  find: (bounds: object) => Promise<Doc[]>,
  list: { query: object; ordering: Ordering; limit: number },
): Promise<Doc[]> {
  const { ordering, limit } = list;
  const hints = pageHints(store);
  const { end, isSlow } = hints.get(list);
  const bounds = [...(end === undefined ? [] : [end]), ...(isSlow ? fallbackBounds(ordering) : [])];
  const began = performance.now();
  const isLate = () => performance.now() - began > slowQueryMs;
  try {
    for (const bound of bounds) {
      const rows = await find(upTo(bound, ordering));
      if (rows.length > limit) {
        hints.set(list, { end: lastValue(rows, ordering), isSlow });
        return rows;
      }
      if (isLate()) throw refusal("UNAVAILABLE");
    }
    const rows = await find({});
    if (rows.length > limit) hints.set(list, { end: lastValue(rows, ordering), isSlow: false });
    else hints.delete(list);
    return rows;
  } catch (error) {
    if (isLate()) hints.set(list, { isSlow: true });
    throw error;
  }
}

/** Bounds for a list whose first page is slow to find: each reaches further, until a page is full. */
function fallbackBounds({ field, direction }: Ordering): unknown[] {
  const prices = [1, 2, 3, 4, 5, 6, 7].map((digits) => 10 ** digits);
  if (field === "price") return direction === 1 ? prices : prices.toReversed();
  const minutes = [1, 60, 24 * 60, 30 * 24 * 60];
  return direction === 1
    ? []
    : minutes.map((ago) => new Date(Date.now() - ago * 60_000).toISOString());
}
