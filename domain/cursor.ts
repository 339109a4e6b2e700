import { pageBytes } from "../contracts/schema.ts";

/** The bytes that the documents of a page may have as JSON. The rest is for the cursor, and for what entries have and documents do not. */
const maxBytes = pageBytes - 8 * 1024;

/** The order of a list: by one field (a dotted path), then by `_id`, both in the same direction. */
export interface Ordering {
  field: string;
  direction: 1 | -1;
}

type Row = { _id: string };
type Condition = Record<string, unknown>;

/** The store's `sort` for an ordering. */
export const sortOf = ({ field, direction }: Ordering) => ({ [field]: direction, _id: direction });

/** The cursor that continues after a row: opaque to clients, and bound to its ordering. */
export const cursorAfter = (row: Row, ordering: Ordering) =>
  cursorAt([valueAt(row, ordering.field), row._id], ordering);

/** The cursor that continues after a row with these values of the ordering's field and `_id`. */
export const cursorAt = (values: unknown[], { field, direction }: Ordering) =>
  Buffer.from(JSON.stringify([`${field}${direction}`, ...values])).toString("base64url");

/**
 * The rows after a cursor, as conditions on the ordering's field and `_id`: each is one range of the index of
 * the list, and the ranges follow one another. One empty condition without a cursor, null when the cursor
 * belongs to another ordering.
 */
export function rangesAfter(
  cursor: string | undefined,
  { field, direction }: Ordering,
  kind: "string" | "number" = "string",
): Condition[] | null {
  if (cursor === undefined) return [{}];
  const [ordering, value, id] = parsed(cursor);
  const isOfKind = kind === "number" ? Number.isSafeInteger(value) : typeof value === "string";
  if (ordering !== `${field}${direction}` || !isOfKind || typeof id !== "string") return null;
  const beyond = direction === 1 ? "$gt" : "$lt";
  // A condition on both fields with $or would read all rows of the same value again for each page.
  return [{ [field]: value, _id: { [beyond]: id } }, { [field]: { [beyond]: value } }];
}

/**
 * A page from a query for one row more than `limit`: a row that is cut shows that there is a next page. The page also ends
 * before the row that makes it larger than 512 KB, unless that is its first row.
 */
export function toPage<R extends Row>(
  rows: R[],
  limit: number,
  ordering: Ordering,
): { rows: R[]; nextCursor: string | null } {
  const kept = rows.slice(0, Math.max(1, Math.min(limit, countWithin(rows))));
  const last = kept.at(-1);
  return {
    rows: kept,
    nextCursor: last && rows.length > kept.length ? cursorAfter(last, ordering) : null,
  };
}

/** How many of the first rows one page can hold. */
export function countWithin(rows: Row[]): number {
  let bytes = 0;
  const first = rows.findIndex((row) => (bytes += bytesOf(row)) > maxBytes);
  return first < 0 ? rows.length : first;
}

const bytesOf = (row: Row) => Buffer.byteLength(JSON.stringify(row)) + 1;

const valueAt = (row: object, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], row);

function parsed(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
