import { badData } from "../broker/errors.ts";
import { after, page, sortOf, type Ordering } from "../domain/page.ts";
import type { Store } from "./store.ts";

const usualLimit = 20;

/** One page of what a query finds, and the cursor of the next. BAD_DATA for a cursor of another list. */
export async function paged<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  { cursor, limit = usualLimit }: { cursor?: string; limit?: number },
) {
  const rest = after(cursor, ordering, ordering.field === "price" ? "number" : "string");
  if (!rest) throw badData([{ field: "cursor", message: "is not one of this list's" }]);
  // One more than asked for tells whether there is a next page.
  return page(await store.find({ ...query, ...rest }, { sort: sortOf(ordering), limit: limit + 1 }), limit, ordering);
}
