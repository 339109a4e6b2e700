import type nedb from "@seald-io/nedb";
import type { TSchema } from "typebox";
import { DuplicateKey, type Collection, type Index, type Stored } from "./store.ts";

/** The fields of each unique index. */
export const uniqueKeys = ({ indexes }: Collection) => [
  ["_id"],
  ...indexes.filter(({ unique }) => unique).map(({ fields }) => fields),
];

/** The value at a dotted path. */
const valueAt = (doc: Stored, path: string): unknown =>
  doc[path] ??
  path.split(".").reduce((value: unknown, step) => (value as Stored | undefined)?.[step], doc);

/** Makes exactly the indexes that are declared. */
export async function ensureIndexes(
  db: nedb.default<Stored>,
  definition: Collection,
): Promise<void> {
  const wanted = definition.indexes.flatMap((index) => toNedbIndex(index, definition.document));
  // NeDB's types do not declare its indexes.
  const { indexes } = db as unknown as { indexes: Record<string, InMemory> };
  // NeDB keeps the indexes that the file names, in the form in which they were first made.
  for (const name of Object.keys(indexes)) if (name !== "_id") await db.removeIndexAsync(name);
  for (const index of wanted) await db.ensureIndexAsync(index as nedb.default.EnsureIndexOptions);
  Object.values(indexes).forEach(updateInPlace);
}

/** An index of NeDB, which its types do not declare. `getMatching` returns the array that documents with one key share. */
interface InMemory {
  fieldName: string;
  update(changed: Stored | Changed[], after?: Stored): void;
  getMatching(key: unknown): Stored[];
}
interface Changed {
  oldDoc: Stored;
  newDoc: Stored;
}

/** At each update NeDB removes the document from every index and adds it again, at a cost that grows with the documents that share its key. */
function updateInPlace(index: InMemory): void {
  const move = index.update.bind(index);
  index.update = (changed, after) => {
    const all = Array.isArray(changed) ? changed : [{ oldDoc: changed, newDoc: after! }];
    const [moved, kept] = [
      all.filter((one) => !hasSameKey(index, one)),
      all.filter((one) => hasSameKey(index, one)),
    ];
    move(moved); // throws when a unique index refuses it; nothing may have changed then
    for (const { oldDoc, newDoc } of kept) {
      const sharing = index.getMatching(valueAt(oldDoc, index.fieldName));
      sharing[sharing.indexOf(oldDoc)] = newDoc;
    }
  };
}

function hasSameKey({ fieldName }: InMemory, { oldDoc, newDoc }: Changed): boolean {
  const key = valueAt(oldDoc, fieldName);
  return ["string", "number"].includes(typeof key) && key === valueAt(newDoc, fieldName);
}

interface NedbIndex {
  fieldName: string[];
  unique: boolean;
  sparse: boolean;
}

/**
 * NeDB uses one field of an index, sorts without one, and slows down with the number of equal keys. A unique
 * index keeps all its fields, a partial one becomes an index of its field. Any other keeps its first field,
 * unless that is a boolean, an array or an object.
 */
function toNedbIndex(
  { fields, unique = false, sparse = false, partial }: Index,
  document: TSchema,
): NedbIndex[] {
  if (unique) return [{ fieldName: fields, unique, sparse }];
  if (partial) return [{ fieldName: [partial], unique, sparse: true }];
  const isSelective = ["string", "integer", "number"].includes(typeAt(document, fields[0]!));
  return isSelective ? [{ fieldName: fields.slice(0, 1), unique, sparse: true }] : [];
}

function typeAt(document: TSchema, path: string): string {
  const found = path
    .split(".")
    .reduce<TSchema | undefined>(
      (schema, step) =>
        (schema as { properties?: Record<string, TSchema> } | undefined)?.properties?.[step],
      document,
    );
  return (found as { type?: string } | undefined)?.type ?? "";
}

/** The unique key that an insert or update of `incoming` violated. NeDB names the refused value, but not its field. */
export async function duplicateOf(
  error: unknown,
  incoming: Stored,
  db: nedb.default<Stored>,
  definition: Collection,
): Promise<DuplicateKey | undefined> {
  const { errorType, key } = error as { errorType?: string; key?: unknown };
  if (errorType !== "uniqueViolated") return undefined;
  for (const fields of uniqueKeys(definition)) {
    const values = Object.fromEntries(
      fields.map((field) => [field, fields.length > 1 ? (key as Stored)?.[field] : key]),
    );
    const isIncoming = fields.some((field) => valueAt(incoming, field) === values[field]);
    if (isIncoming && (await db.countAsync(values)) > 0) return new DuplicateKey(fields.join(","));
  }
  return new DuplicateKey("_id");
}
