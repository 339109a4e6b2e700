import { badData, refusal } from "../broker/refusal.ts";
import { afterCursor, asFarAs, lastOf, toPage, sortOf, type Ordering } from "../domain/cursor.ts";
import type { Query, Store } from "./store.ts";

const usualLimit = 20;

/** What is known of a list: the value of its ordering's field that its first page ended with last, and whether all of it takes too long to read. */
interface Known {
  end?: unknown;
  isLong: boolean;
}
/** Of so many lists each store's first pages are remembered, those that were asked for last. */
const remembered = 10_000;
const lists = new WeakMap<object, Map<string, Known>>();
/** Where a first page takes so long (ms), no more is tried: a store may take 3 s for one query, and a call 5 s for all. */
const patience = 2_000;

/** One page of what a query finds, and the cursor of the next. BAD_DATA for a cursor of another list. */
export async function paginate<Doc extends { _id: string }>(
  store: Store<Doc>,
  query: object,
  ordering: Ordering,
  { cursor, limit = usualLimit }: { cursor?: string; limit?: number },
) {
  const rest = afterCursor(cursor, ordering, ordering.field === "price" ? "number" : "string");
  if (!rest) throw badData([{ field: "cursor", message: "is not one of this list's" }]);
  // One more than asked for tells whether there is a next page.
  const options = { sort: sortOf(ordering), limit: limit + 1 };
  const find = (bounds: object) =>
    store.find({ ...query, ...bounds, ...merged(query, bounds, ordering.field) }, options);
  // A search (`$and`, domain/catalogue.ts) is asked for as it is: a bound might be taken for the better way to its words (decision 008).
  // So is what asks something of the ordering's field itself.
  const isFirst = cursor === undefined && !(ordering.field in query) && !("$and" in query);
  return toPage(
    isFirst ? await first(store, find, { query, ordering, limit }) : await find(rest),
    limit,
    ordering,
  );
}

/** What a question and a cursor ask of the same field, together; of the same operator, the cursor's. */
function merged(query: object, bounds: object, field: string) {
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
  const known = lists.get(store) ?? new Map<string, Known>();
  lists.set(store, known);
  const name = JSON.stringify(list);
  const remember = (what?: Known) => {
    // The last in the map is the last that was asked for.
    known.delete(name);
    if (what) known.set(name, what);
    if (known.size > remembered) known.delete(known.keys().next().value!);
  };

  const { end, isLong } = known.get(name) ?? { isLong: false };
  const bounds = [...(end === undefined ? [] : [end]), ...(isLong ? widening(ordering) : [])];
  const began = performance.now();
  const isLate = () => performance.now() - began > patience;
  try {
    for (const bound of bounds) {
      const rows = await find(asFarAs(bound, ordering));
      if (rows.length > limit) {
        remember({ end: lastOf(rows, ordering), isLong });
        return rows;
      }
      if (isLate()) throw refusal("UNAVAILABLE");
    }
    const rows = await find({});
    remember(rows.length > limit ? { end: lastOf(rows, ordering), isLong: false } : undefined);
    return rows;
  } catch (error) {
    if (isLate()) remember({ isLong: true });
    throw error;
  }
}

/** For a list that takes too long to read: how far to ask, each time farther, until a page is full. */
function widening({ field, direction }: Ordering): unknown[] {
  const prices = [1, 2, 3, 4, 5, 6, 7].map((digits) => 10 ** digits);
  if (field === "price") return direction === 1 ? prices : prices.toReversed();
  const minutes = [1, 60, 24 * 60, 30 * 24 * 60];
  return direction === 1
    ? []
    : minutes.map((ago) => new Date(Date.now() - ago * 60_000).toISOString());
}
