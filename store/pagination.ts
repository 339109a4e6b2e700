import { badData } from "../broker/refusal.ts";
import {
  countWithin,
  cursorAfter,
  cursorAt,
  rangesAfter,
  sortOf,
  toPage,
  type Ordering,
} from "../domain/cursor.ts";
import type { Query, Store } from "./store.ts";

const defaultLimit = 20;

/** Documents of one query, of which the longest have 50 KB: so much more than a page is never read. */
const chunk = 34;

/**
 * Cursor pagination: one page of the documents that a query finds, and the cursor of the next page. A page has at most `limit`
 * documents and 512 KB; then it ends with a cursor. A search may end earlier, also without documents: it reads a bounded number. Throws BAD_DATA for a cursor of another list. With an index on the
 * query's fields, the ordering's field and `_id`, the database reads no more than two pages of it.
 */
export async function paginate<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  { cursor, limit = defaultLimit }: { cursor?: string; limit?: number },
) {
  const rows: Doc[] = [];
  // One row more than the limit shows whether there is a next page.
  for (let from = cursor; rows.length <= limit;) {
    const count = Math.min(limit + 1 - rows.length, Math.max(chunk, rows.length));
    const { found, reached } = await findAfter(store, query, ordering, from, count);
    rows.push(...found);
    if (reached && rows.length <= limit) return shortPage(rows, limit, ordering, reached);
    if (found.length < count || rows.length > limit || countWithin(rows) < rows.length) break;
    from = cursorAfter(rows.at(-1)!, ordering);
  }
  return toPage(rows, limit, ordering);
}

/** The page of a search that ended early. The next page begins where it ended. */
function shortPage<Doc extends { _id: string }>(
  found: Doc[],
  limit: number,
  ordering: Ordering,
  reached: unknown[],
) {
  const { rows, nextCursor } = toPage(found, limit, ordering);
  return { rows, nextCursor: nextCursor ?? cursorAt(reached, ordering) };
}

/** The first `count` documents after a cursor; of a search that ended early those until then, and the values that it `reached`. */
async function findAfter<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  cursor: string | undefined,
  count: number,
): Promise<{ found: Doc[]; reached?: unknown[] }> {
  const ranges = rangesAfter(cursor, ordering, ordering.field === "price" ? "number" : "string");
  if (!ranges) throw badData([{ field: "cursor", message: "belongs to another list" }]);
  const ends: unknown[][] = [];
  const parts = await Promise.all(
    ranges.map((range, n) =>
      store.find(within(query, range, ordering), {
        ...{ sort: sortOf(ordering), limit: count },
        onEarlyEnd: (reached) => void (ends[n] = reached),
      }),
    ),
  );
  const ended = ranges.findIndex((_range, n) => ends[n]);
  // What follows the end of a range was found too early.
  const found = (ended < 0 ? parts : parts.slice(0, ended + 1)).flat();
  if (found.length >= count || ended < 0) return { found: found.slice(0, count) };
  return { found, reached: ends[ended] };
}

/** The query, limited to a range. Where both have a bound on the same side, the range is inside the query's. */
function within(query: object, range: Query, { field, direction }: Ordering): Query {
  const [own, inner] = [(query as Query)[field], range[field]];
  if (!isComparison(own) || !isComparison(inner)) return { ...query, ...range };
  const outer = direction === 1 ? ["$gt", "$gte"] : ["$lt", "$lte"];
  const kept = Object.entries(own).filter(([operator]) => !outer.includes(operator));
  return { ...query, [field]: { ...Object.fromEntries(kept), ...inner } };
}

const isComparison = (condition: unknown): condition is object =>
  typeof condition === "object" && condition !== null;
