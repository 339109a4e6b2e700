/** Applies updates (store/store.ts) to documents, with MongoDB's meaning. */
import type { Stored, Update } from "../store.ts";

type Parent = Record<string, unknown>;

/** Changes a document. Throws when its types do not allow the update: then discard the document, which may be half changed. */
export function applyUpdate(doc: Stored, update: Update): void {
  refuseConflicts(update);
  const { _id } = doc;
  for (const [operator, fields] of Object.entries(update))
    for (const [path, operand] of Object.entries(fields as Parent))
      apply(doc, operator, path, operand);
  if (doc._id !== _id) throw new Error("An update cannot change _id.");
}

/** Whether the update may change the value of a path. */
export const touches = (update: Update, path: string): boolean =>
  pathsOf(update).some(
    (changed) => `${path}.`.startsWith(`${changed}.`) || changed.startsWith(`${path}.`),
  );

const pathsOf = (update: Update): string[] =>
  Object.values(update).flatMap((fields) => Object.keys(fields as Parent));

/** Two changes of one field in one update would depend on their order. */
function refuseConflicts(update: Update): void {
  const paths = pathsOf(update).sort();
  for (const [n, path] of paths.entries())
    if (n > 0 && `${path}.`.startsWith(`${paths[n - 1]}.`))
      throw new Error(`The update changes ${paths[n - 1]} and ${path}, which conflict.`);
}

function apply(doc: Stored, operator: string, path: string, operand: unknown): void {
  const steps = path.split(".");
  const last = steps.pop()!;
  const parent = operator === "$unset" ? find(doc, steps) : reach(doc, steps, path);
  if (!parent) return;
  if (operator === "$unset") Reflect.deleteProperty(parent, last);
  else parent[last] = changed(operator, path, parent[last], operand);
}

function find(doc: Stored, steps: string[]): Parent | undefined {
  const found = steps.reduce<unknown>(
    (parent, step) => (parent as Parent | undefined | null)?.[step],
    doc,
  );
  return isParent(found) ? found : undefined;
}

/** The parent of a path. Missing ones are made. */
function reach(doc: Stored, steps: string[], path: string): Parent {
  return steps.reduce<Parent>((parent, step) => {
    parent[step] ??= parent[step] === undefined ? {} : null;
    const next = parent[step];
    if (!isParent(next))
      throw new Error(`The update cannot create ${path}: ${step} is not an object.`);
    return next;
  }, doc);
}

const isParent = (value: unknown): value is Parent => typeof value === "object" && value !== null;

function changed(operator: string, path: string, before: unknown, operand: unknown): unknown {
  switch (operator) {
    case "$set":
      return operand;
    case "$inc":
      return increased(path, before, operand);
    case "$push":
      return pushed(path, before, operand);
    case "$min":
      return before === undefined || order(operand, before) < 0 ? operand : before;
    case "$max":
      return before === undefined || order(operand, before) > 0 ? operand : before;
    default:
      throw new Error(`${operator} is not supported.`);
  }
}

function increased(path: string, before: unknown = 0, by: unknown): number {
  if (typeof before !== "number" || typeof by !== "number")
    throw new Error(`The update cannot increment ${path}, which is not a number.`);
  return before + by;
}

/** `$push` of one value, or of `$each`, after which `$slice` keeps the first or, if negative, the last. */
function pushed(path: string, before: unknown = [], operand: unknown): unknown[] {
  if (!Array.isArray(before))
    throw new Error(`The update cannot push to ${path}, which is not an array.`);
  const { $each, $slice } = (isParent(operand) ? operand : {}) as {
    $each?: unknown[];
    $slice?: number;
  };
  const all = [...(before as unknown[]), ...($each ?? [operand])];
  if ($slice === undefined) return all;
  return $slice < 0 ? all.slice($slice) : all.slice(0, $slice);
}

/** MongoDB's order of types: null, numbers, text, then the rest. */
const rank = (value: unknown) =>
  [value === null, typeof value === "number", typeof value === "string", true].indexOf(true);

function order(a: unknown, b: unknown): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
}
