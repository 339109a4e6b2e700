import { uniqueKeys } from "./nedb-indexes.ts";
import type { Collection, Query } from "./store.ts";

/** The query with MongoDB's meaning. NeDB distinguishes null from missing, and $ne matches when any element of an array differs. */
export function toNedb(query: Query, definition: Collection): Query {
  const plain: Query = {};
  const more: Query[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (key === "$or" || key === "$and")
      plain[key] = (value as Query[]).map((part) => toNedb(part, definition));
    else if (value === null) more.push(isNull(key));
    else if (hasOperators(value)) {
      const { $ne, $in, $nin, $exists, ...rest } = value;
      // NeDB looks for an index at the top level only.
      const isPlainIn = $in !== undefined && !($in as unknown[]).includes(null);
      if (Object.keys(rest).length > 0 || isPlainIn)
        plain[key] = isPlainIn ? { ...rest, $in } : rest;
      if ($ne !== undefined) more.push({ $not: $ne === null ? isNull(key) : { [key]: $ne } });
      if ($in !== undefined && !isPlainIn) more.push(isIn(key, $in as unknown[]));
      if ($nin !== undefined) more.push({ $not: isIn(key, $nin as unknown[]) });
      if ($exists !== undefined) more.push($exists ? { $not: isMissing(key) } : isMissing(key));
    } else plain[key] = value;
  }
  return indexedLast(plain, more, definition);
}

const hasOperators = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  Object.keys(value).some((key) => key.startsWith("$"));
const isMissing = (key: string): Query => ({ [key]: { $exists: false } });
const isNull = (key: string): Query => ({ $or: [{ [key]: null }, isMissing(key)] });
const isIn = (key: string, values: unknown[]): Query =>
  values.includes(null)
    ? { $or: [{ [key]: { $in: values } }, isMissing(key)] }
    : { [key]: { $in: values } };

/** NeDB uses the index of the last indexed field in a query: preferably `_id`, then another unique field. */
function indexedLast(plain: Query, more: Query[], definition: Collection): Query {
  const rank = new Map(
    uniqueKeys(definition).flatMap((fields) =>
      fields.length === 1 ? [[fields[0]!, fields[0] === "_id" ? 2 : 1]] : [],
    ) as [string, number][],
  );
  const ordered = Object.entries(plain).sort(([a], [b]) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  const all =
    more.length > 0 ? [["$and", [...((plain.$and as Query[]) ?? []), ...more]] as const] : [];
  return Object.fromEntries([...ordered, ...all]);
}
