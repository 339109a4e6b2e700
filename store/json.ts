import type { Query, Stored, Update } from "./store.ts";

/**
 * Documents, queries and updates on their way into a store. Field names that MongoDB or NeDB would refuse, lose or read as their own are
 * escaped (as %24 for $), so that unknown data is kept alike by both, whatever its keys.
 */

const escaped = /^\$|[.%\0]|^_(?=_proto__$|bsontype$)/g;
/** As nearly all are. */
const isPlainKey = (key: string) => key === "_id" || /^[A-Za-z0-9]+$/.test(key);
const escapeKey = (key: string) =>
  isPlainKey(key)
    ? key
    : key
        .toWellFormed()
        .replace(
          escaped,
          (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
        );
const unescapeKey = (key: string) =>
  key.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));

/** Below MongoDB's own limit of 100, so that both stores have the same. */
const maxDepth = 90;

/** A copy as it is stored. Throws when the value, at `step` within `path`, is not JSON; `undefined` is dropped from objects. */
export function toStored(value: unknown, path = "", step = "", depth = 0): unknown {
  // MongoDB would replace half a surrogate pair silently.
  if (typeof value === "string") return value.toWellFormed();
  if (
    value === null ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  )
    return value;
  const here = path && step ? `${path}.${step}` : path || step;
  if (depth > maxDepth) throw new Error(`${here.slice(0, 100)}… is nested too deeply to be stored`);
  if (Array.isArray(value))
    return value.map((element, i) => toStored(element ?? null, here, `${i}`, depth + 1));
  if (!isPlain(value))
    throw new Error(`${here || "the document"} is not JSON and cannot be stored`);
  const copy: Record<string, unknown> = {};
  // No escaped key is `__proto__`.
  for (const key of Object.keys(value))
    if (value[key] !== undefined) copy[escapeKey(key)] = toStored(value[key], here, key, depth + 1);
  return copy;
}

/** What a store gave its caller, with the names that were given: the same object, unless one of them had to be escaped. */
export function fromStored(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  const own = value as Record<string, unknown>;
  let isEscaped = false;
  for (const key of Object.keys(own)) {
    own[key] = fromStored(own[key]);
    isEscaped ||= key.includes("%");
  }
  // A key `__proto__` comes back as an own property, never as a prototype.
  return isEscaped
    ? Object.fromEntries(Object.entries(own).map(([key, inner]) => [unescapeKey(key), inner]))
    : own;
}

const comparisons = new Set(["$ne", "$in", "$nin", "$lt", "$lte", "$gt", "$gte", "$exists"]);

/** Throws on `undefined`, which one store would take for "any", and on operators that one of the stores has not. */
export function toQuery(query: Query): Query {
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => {
      if (key === "$or" || key === "$and") return [key, (value as Query[]).map(toQuery)];
      return [toPath(key), toCondition(key, value)];
    }),
  );
}

function toCondition(path: string, value: unknown): unknown {
  if (value === undefined) throw new Error(`the query leaves ${path} undefined`);
  if (value instanceof RegExp) return portable(path, value);
  const operators = isPlain(value)
    ? Object.entries(value).filter(([key]) => key.startsWith("$"))
    : [];
  if (operators.length === 0) return toStored(value, path);
  for (const [operator, operand] of operators) {
    if (!comparisons.has(operator))
      throw new Error(`the stores do not both speak ${operator} (${path})`);
    if (operand === undefined) throw new Error(`the query leaves ${path} ${operator} undefined`);
  }
  return Object.fromEntries(
    operators.map(([operator, operand]) => [operator, toStored(operand, path)]),
  );
}

/** `g` has a memory, `u` and `v` MongoDB does not have. */
function portable(path: string, pattern: RegExp): RegExp {
  if (/[^ims]/.test(pattern.flags))
    throw new Error(`the stores do not both speak the flags of ${path} ${pattern}`);
  return pattern;
}

const operators = new Set(["$set", "$unset", "$inc", "$push", "$min", "$max"]);

/** What is `undefined` is left as it is. Throws when nothing is left to change: NeDB would replace the document by nothing. */
export function toUpdate(update: Update): Update {
  const parts = Object.entries(update).flatMap(([operator, fields]) => {
    if (!operators.has(operator)) throw new Error(`the stores do not both speak ${operator}`);
    const changes = Object.entries((fields ?? {}) as object).filter(
      ([, value]) => value !== undefined,
    );
    return changes.length === 0
      ? []
      : [
          [
            operator,
            Object.fromEntries(
              changes.map(([path, value]) => [toPath(path), toOperand(operator, path, value)]),
            ),
          ],
        ];
  });
  if (parts.length === 0) throw new Error("the update changes nothing");
  return Object.fromEntries(parts) as Update;
}

function toOperand(operator: string, path: string, value: unknown): unknown {
  if (operator === "$push" && isPlain(value) && "$each" in value)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, toStored(inner, path)]),
    );
  return toStored(value, path);
}

/** A dotted path whose steps are no names that every object inherits: NeDB would follow `__proto__` or `constructor` out of the document. */
function toPath(path: string): string {
  const steps = path.split(".");
  if (steps.some((step) => step === "" || step.startsWith("$") || step in {}))
    throw new Error(`"${path}" is no path in a document`);
  return steps.map(escapeKey).join(".");
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (value === null || typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm (a test runner's) has that realm's Object.prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export const asDocument = (value: unknown) => toStored(value) as Stored;
