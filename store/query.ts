import type { Query, Update } from "./store.ts";

/**
 * Checks that a query or an update means the same on every database. Documents need no such check: their
 * schemas are closed, and each insert is checked against its schema.
 */

const comparisons = new Set(["$ne", "$in", "$nin", "$lt", "$lte", "$gt", "$gte", "$exists"]);

/** Returns the query. Throws on `undefined`, which one database reads as "any value", and on operators that only one supports. */
export function checkQuery(query: Query): Query {
  for (const [key, value] of Object.entries(query))
    if (key === "$or" || key === "$and") (value as Query[]).forEach(checkQuery);
    else checkCondition(checkPath(key), value);
  return query;
}

function checkCondition(path: string, value: unknown): void {
  if (value === undefined) throw new Error(`The query leaves ${path} undefined.`);
  checkValue(path, value);
  // The flag g keeps state between uses; MongoDB has no u and no v.
  if (value instanceof RegExp && /[^ims]/.test(value.flags))
    throw new Error(`Not every database supports the flags of ${path} ${value}.`);
  if (typeof value !== "object" || value === null) return;
  for (const [operator, operand] of Object.entries(value)) {
    if (!comparisons.has(operator))
      throw new Error(`Not every database supports ${operator} (${path}).`);
    if ([operand].flat().includes(undefined))
      throw new Error(`The query leaves ${path} ${operator} undefined.`);
    [operand].flat().forEach((one) => checkValue(path, one));
  }
}

/** Throws on values that JSON lacks: one database would store or compare something else than the other. */
function checkValue(path: string, value: unknown): void {
  const isOutsideJson =
    typeof value === "bigint" ||
    (typeof value === "number" && !Number.isFinite(value)) ||
    value instanceof Date;
  if (isOutsideJson) throw new Error(`JSON has no form of the value of ${path}, ${value}.`);
}

const operators = new Set(["$set", "$unset", "$inc", "$push", "$min", "$max"]);

/** A copy without `undefined`. Throws on an empty update, and on values that JSON lacks. */
export function toUpdate(update: Update): Update {
  const parts = Object.entries(update).flatMap(([operator, fields]) => {
    const copy = copyOf(operator, fields) as object;
    return Object.keys(copy).length > 0 ? [[operator, copy] as const] : [];
  });
  for (const [operator, fields] of parts) {
    if (!operators.has(operator)) throw new Error(`Not every database supports ${operator}.`);
    Object.keys(fields).forEach(checkPath);
  }
  if (parts.length === 0) throw new Error("The update changes nothing.");
  return Object.fromEntries(parts);
}

/** A deep copy as by JSON, without fields that are `undefined`. */
function copyOf(path: string, value: unknown): unknown {
  checkValue(path, value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => copyOf(path, one) ?? null);
  const given = Object.entries(value).filter(([, one]) => one !== undefined);
  // Object.fromEntries makes a field of "__proto__", as JSON does; an assignment would not.
  return Object.fromEntries(given.map(([key, one]) => [key, copyOf(key, one)]));
}

/** Paths that were checked: they come from the code, in small numbers. */
const checked = new Set<string>();
const maxChecked = 1_000;

/** Returns a dotted path. Throws on names that every object inherits, such as `__proto__`, and on characters that SQLite's paths cannot have. */
function checkPath(path: string): string {
  if (checked.has(path)) return path;
  if (!path.split(".").every(isName)) throw new Error(`"${path}" is not a path in a document.`);
  if (checked.size < maxChecked) checked.add(path);
  return path;
}

const isName = (step: string) =>
  step !== "" && !step.startsWith("$") && !(step in {}) && !/["\\\p{Cc}]/u.test(step);
