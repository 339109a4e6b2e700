/** The order of a list: by one field (a dotted path), then by `_id`, both in the same direction. */
export interface Ordering {
  field: string;
  direction: 1 | -1;
}

type Row = { _id: string };

/** The store's `sort` for an ordering. */
export const sortOf = ({ field, direction }: Ordering) => ({ [field]: direction, _id: direction });

/** The cursor that continues after a row: opaque to clients, and bound to its ordering. */
export const cursorAfter = (row: Row, { field, direction }: Ordering) =>
  Buffer.from(JSON.stringify([`${field}${direction}`, valueAt(row, field), row._id])).toString(
    "base64url",
  );

/** The query for the rows after a cursor: all rows without a cursor, null when the cursor belongs to another ordering. */
export function afterCursor(
  cursor: string | undefined,
  { field, direction }: Ordering,
  kind: "string" | "number" = "string",
): object | null {
  if (cursor === undefined) return {};
  const [ordering, value, id] = parsed(cursor);
  const isOfKind = kind === "number" ? Number.isSafeInteger(value) : typeof value === "string";
  if (ordering !== `${field}${direction}` || !isOfKind || typeof id !== "string") return null;
  const [beyond, from] = direction === 1 ? ["$gt", "$gte"] : ["$lt", "$lte"];
  // An index can seek to the outer bound; the inner pair decides among equal values.
  return {
    [field]: { [from]: value },
    $or: [{ [field]: { [beyond]: value } }, { _id: { [beyond]: id } }],
  };
}

/** The query for the rows up to and including a value of the ordering's field. */
export const upTo = (value: unknown, { field, direction }: Ordering) => ({
  [field]: { [direction === 1 ? "$lte" : "$gte"]: value },
});

/** The last row's value of the ordering's field. */
export const lastValue = (rows: Row[], { field }: Ordering): unknown =>
  valueAt(rows.at(-1)!, field);

/** A page from a query for one row more than `limit`: that row is cut, and shows that there is a next page. */
export function toPage<R extends Row>(
  rows: R[],
  limit: number,
  ordering: Ordering,
): { rows: R[]; nextCursor: string | null } {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    rows: kept,
    nextCursor: last && rows.length > limit ? cursorAfter(last, ordering) : null,
  };
}

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
