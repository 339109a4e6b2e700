/** How the documents of a collection are laid out in tables. Plain data: the worker thread gets a copy. */
import type { TSchema } from "typebox";
import type { Collection, Index, Stored } from "../store.ts";

export interface Layout {
  /** The table of the documents. */
  table: string;
  /** Paths whose values are kept in columns of their own, because an index names them. Never `_id`. */
  columns: string[];
  /** Paths of arrays whose elements are kept in tables of their own, because an index begins with them. */
  elements: string[];
  /** Paths of all arrays that the schema declares. */
  arrays: string[];
  /** Paths of all booleans that the schema declares. */
  booleans: string[];
  indexes: Index[];
}

export function layoutOf({ name, document, indexes }: Collection): Layout {
  const arrays = pathsOfType(document, "array");
  const elements = indexes.map(({ fields }) => fields[0]!).filter((path) => arrays.includes(path));
  const scalar = indexes.filter(({ fields }) => !elements.includes(fields[0]!));
  const paths = scalar.flatMap(({ fields, partial }) => [...fields, ...(partial ? [partial] : [])]);
  return {
    table: name,
    columns: [...new Set(paths)].filter((path) => path !== "_id"),
    elements: [...new Set(elements)],
    arrays,
    booleans: pathsOfType(document, "boolean"),
    indexes: scalar,
  };
}

function pathsOfType(schema: TSchema, type: string, prefix = ""): string[] {
  const { properties = {} } = schema as {
    properties?: Record<string, TSchema & { type?: string }>;
  };
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = prefix + name;
    return property.type === type ? [path] : pathsOfType(property, type, `${path}.`);
  });
}

/** A value of SQLite. */
export type Value = string | number | null;

function valueAt(doc: Stored, path: string): unknown {
  if (!path.includes(".")) return doc[path];
  return path
    .split(".")
    .reduce<unknown>((parent, step) => (parent as Stored | undefined | null)?.[step], doc);
}

/** The value of a path in its column. Missing and null are the same to an index, as to MongoDB's comparisons. */
export function columnValue(doc: Stored, path: string): Value {
  const value = valueAt(doc, path);
  if (typeof value === "boolean") return Number(value);
  // SQLite keeps text as UTF-8, which has no lone surrogates.
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return value;
  return value === undefined || value === null ? null : JSON.stringify(value);
}

/** The distinct elements of an array of the document. */
export function elementsOf(doc: Stored, path: string): Value[] {
  const array = valueAt(doc, path);
  return Array.isArray(array)
    ? [...new Set(array.map((value) => columnValue({ _id: "", value }, "value")))]
    : [];
}

export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
export const elementsTable = ({ table }: Layout, path: string) => quoted(`${table}.${path}`);
/** The steps of a path in JSON, as a literal of SQL. Quotation marks and backslashes are not in any path (store/query.ts). */
export const jsonPath = (path: string) =>
  `'$${path
    .split(".")
    .map((step) => `."${step.replaceAll("'", "''")}"`)
    .join("")}'`;
