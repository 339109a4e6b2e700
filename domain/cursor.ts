/** How a list is ordered: by one field of its documents (a dotted path, where it is inside another), and by `_id` among equals, both in the same direction. */
export interface Ordering {
  field: string;
  direction: 1 | -1;
}

type Row = { _id: string };

/** The store's `sort` for an ordering. */
export const sortOf = ({ field, direction }: Ordering) => ({ [field]: direction, _id: direction });

/** The cursor behind a row: opaque to clients, and bound to its ordering. */
export const cursorAfter = (row: Row, { field, direction }: Ordering) =>
  Buffer.from(JSON.stringify([`${field}${direction}`, valueAt(row, field), row._id])).toString(
    "base64url",
  );

/** The query for what comes after a cursor; everything when there is none, null when the cursor is not one of this ordering's. */
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
  // The outer bound is what an index can seek to; the inner pair settles the equals.
  return {
    [field]: { [from]: value },
    $or: [{ [field]: { [beyond]: value } }, { _id: { [beyond]: id } }],
  };
}

/** The query for what comes no later in an ordering than this value, which `lastOf` gave. */
export const asFarAs = (value: unknown, { field, direction }: Ordering) => ({
  [field]: { [direction === 1 ? "$lte" : "$gte"]: value },
});

/** What the last of these rows is ordered by. */
export const lastOf = (rows: Row[], { field }: Ordering): unknown => valueAt(rows.at(-1)!, field);

/** Cuts the one row too many that a page was asked with, and says where the next begins. */
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
