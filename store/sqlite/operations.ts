/** What the main thread asks of a database's thread, and what it answers. */
import type { Query, Stored, Update } from "../store.ts";

export type Operation =
  | { type: "insert"; doc: Stored }
  /** `isBounded`: it may end early. Its result is then an object of `rows`, and the values that it has `reached` in the order. */
  | { type: "find"; query: Query; sort?: string[]; limit?: number; isBounded?: boolean }
  | { type: "count"; query: Query; limit?: number }
  | { type: "updateOne"; query: Query; update: Update }
  | { type: "updateMany"; query: Query; update: Update }
  | { type: "removeOne"; query: Query }
  | { type: "removeMany"; query: Query; limit: number }
  | { type: "ping" };

/**
 * Why an operation failed: a duplicate in a unique index, an unusable file, a search that took too long, or a mistake of
 * the caller. `needsRestart`: the file will not be used again by this process as it is.
 */
export type Failure =
  | { type: "duplicate"; fields: string }
  | { type: "unavailable"; message: string; needsRestart?: boolean }
  | { type: "late" }
  | { type: "invalid"; message: string };

/** The result as JSON text: stored documents are passed on unparsed. */
export type Outcome = { result: string } | { failure: Failure };

/** An operation as text. A RegExp has no form in JSON; the operators below are in no query (store/query.ts). */
export const encode = (operation: Operation): string =>
  // With a function as replacer JSON.stringify is several times slower.
  JSON.stringify(
    operation,
    "query" in operation && hasRegExp(operation.query) ? encodeRegExp : undefined,
  );

const hasRegExp = (value: unknown): boolean =>
  value instanceof RegExp ||
  (typeof value === "object" && value !== null && Object.values(value).some(hasRegExp));

const encodeRegExp = (_key: string, value: unknown): unknown =>
  value instanceof RegExp ? { $regex: value.source, $options: value.flags } : value;

/** Reads the texts of operations. */
export const decode = (text: string): Operation =>
  JSON.parse(text, text.includes('"$regex"') ? reviveRegExp : undefined) as Operation;

function reviveRegExp(_key: string, value: unknown): unknown {
  const { $regex, $options } = (value ?? {}) as { $regex?: string; $options?: string };
  return typeof $regex === "string" ? new RegExp($regex, $options) : value;
}
