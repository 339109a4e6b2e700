import { badData } from "../broker/refusal.ts";
import { rangesAfter, sortOf, toPage, type Ordering } from "../domain/cursor.ts";
import type { Query, Store } from "./store.ts";

const defaultLimit = 20;

/**
 * Cursor pagination: one page of the documents that a query finds, and the cursor of the next page. Throws
 * BAD_DATA for a cursor of another list. With an index on the query's fields, the ordering's field and `_id`,
 * the database reads no more than two pages of it.
 */
export async function paginate<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  { cursor, limit = defaultLimit }: { cursor?: string; limit?: number },
) {
  const ranges = rangesAfter(cursor, ordering, ordering.field === "price" ? "number" : "string");
  if (!ranges) throw badData([{ field: "cursor", message: "belongs to another list" }]);
  // One row more than the limit shows whether there is a next page.
  const options = { sort: sortOf(ordering), limit: limit + 1 };
  const found = await Promise.all(
    ranges.map((range) => store.find(within(query, range, ordering), options)),
  );
  return toPage(found.flat(), limit, ordering);
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
