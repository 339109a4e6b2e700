import { badData } from "../broker/errors.ts";
import { after, asFarAs, lastOf, page, sortOf, type Ordering } from "../domain/page.ts";
import type { Query, Store } from "./store.ts";

const usualLimit = 20;

/** Of so many lists each store's first pages are remembered, those that were asked for last. */
const remembered = 10_000;
const ends = new WeakMap<object, Map<string, unknown>>();
/** In place of such an end: to find it took longer than a store may take. */
const tooFar = Symbol("too far");

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
  const options = { sort: sortOf(ordering), limit: limit + 1 };
  const find = (bounds: object) => store.find({ ...query, ...bounds, ...both(query, bounds, ordering.field) }, options);
  const isFirst = cursor === undefined && !(ordering.field in query);
  return page(isFirst ? await first(store, find, { query, ordering, limit }) : await find(rest), limit, ordering);
}

/** What a question and a cursor say of the same field; where they say the same of it, the cursor is right. */
function both(query: object, bounds: object, field: string) {
  const [asked, from] = [query, bounds].map((part) => (part as Query)[field]);
  return asked && from ? { [field]: { ...asked, ...from } } : {};
}

/**
 * The first page, asked for no further than where it ended last time (docs/decisions/008): what is new stands before that, so it is still
 * full unless something of it went.
 */
async function first<Doc extends { _id: string }>(
  store: Store<Doc>,
  find: (bounds: object) => Promise<Doc[]>,
  list: { query: object; ordering: Ordering; limit: number },
): Promise<Doc[]> {
  const { ordering, limit } = list;
  const known = ends.get(store) ?? new Map<string, unknown>();
  ends.set(store, known);
  const name = JSON.stringify(list, (_key, value: unknown) => (value instanceof RegExp ? value.source : value));
  const end = known.get(name);
  const remember = (value: unknown) => {
    // The last in the map is the last that was asked for.
    known.delete(name);
    if (value !== undefined) known.set(name, value);
    if (known.size > remembered) known.delete(known.keys().next().value!);
  };
  let rows: Doc[] = [];
  if (end === tooFar) rows = await newest(find, list);
  else if (end !== undefined) rows = await find(asFarAs(end, ordering));
  if (rows.length <= limit)
    rows = await find({}).catch((error: unknown) => {
      remember(tooFar);
      throw error;
    });
  remember(rows.length > limit ? lastOf(rows, ordering) : undefined);
  return rows;
}

/** Of a list by time that could not be read as a whole: the first page of the last minute, hour, day or month that fills one. */
async function newest<Doc>(
  find: (bounds: object) => Promise<Doc[]>,
  { ordering, limit }: { ordering: Ordering; limit: number },
): Promise<Doc[]> {
  if (ordering.direction !== -1 || ordering.field === "price") return [];
  for (const minutes of [1, 60, 24 * 60, 30 * 24 * 60]) {
    const rows = await find(asFarAs(new Date(Date.now() - minutes * 60_000).toISOString(), ordering));
    if (rows.length > limit) return rows;
  }
  return [];
}
