/** Translates queries (store/store.ts) into SQL, with MongoDB's meaning. */
import type { Query } from "../store.ts";
import { elementsTable, jsonPath, quoted, type Layout, type Value } from "./layout.ts";

/** A part of a statement, and the values of its parameters in order. */
export interface Sql {
  text: string;
  params: Value[];
}

/** Whether the table of elements finds the documents of a condition, or each document is asked. */
type IsDriver = (table: string, condition: Sql) => boolean;

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !(value instanceof RegExp);

/** Text sorts after numbers and before blobs, so these bounds keep comparisons within one type, as MongoDB does. */
const anyText = "''";

export class Translator {
  readonly #layout: Layout;
  readonly #isDriver: IsDriver;

  /** `isDriver` decides per condition on an indexed array. */
  constructor(layout: Layout, isDriver: IsDriver = () => true) {
    [this.#layout, this.#isDriver] = [layout, isDriver];
  }

  /** The condition of a query. */
  where(query: Query): Sql {
    const parts = Object.entries(query).map(([key, value]) => {
      if (key === "$and")
        return join(
          (value as Query[]).map((part) => this.where(part)),
          "AND",
        );
      if (key === "$or")
        return join(
          (value as Query[]).map((part) => this.where(part)),
          "OR",
        );
      return this.#condition(key, value);
    });
    return join(parts, "AND");
  }

  /** The conditions on arrays, and the rest. */
  split(query: Query): { elements: Query; rest: Query } {
    const isOnArray = ([key, value]: [string, unknown]): boolean =>
      key === "$and"
        ? (value as Query[]).every((part) => Object.entries(part).every(isOnArray))
        : this.#layout.arrays.includes(key);
    const { true: elements = [], false: rest = [] } = Object.groupBy(
      Object.entries(query),
      (entry) => `${isOnArray(entry)}` as const,
    );
    return { elements: Object.fromEntries(elements), rest: Object.fromEntries(rest) };
  }

  /** The fields of an order, as expressions. */
  keys(sort: string[]): string[] {
    return sort.map((field) => this.#column(field.replace("-", "")));
  }

  /** The condition of what follows a row in an order whose fields all have one direction, by the row's values of them. */
  beyond(sort: string[], values: Value[]): Sql {
    const comparison = sort[0]!.startsWith("-") ? "<" : ">";
    const places = values.map(() => "?").join(", ");
    return { text: `(${this.keys(sort).join(", ")}) ${comparison} (${places})`, params: values };
  }

  /** The list after ORDER BY, of fields that descend with a leading "-". Missing values come first, as in MongoDB. */
  order(sort: string[]): string {
    return sort
      .map((field) =>
        field.startsWith("-") ? `${this.#column(field.slice(1))} DESC` : this.#column(field),
      )
      .join(", ");
  }

  #column(path: string): string {
    if (path === "_id") return "_id";
    return this.#layout.columns.includes(path) ? quoted(path) : `doc ->> ${jsonPath(path)}`;
  }

  #condition(path: string, value: unknown): Sql {
    const operators = isPlain(value) ? Object.entries(value) : [["$eq", value] as const];
    const isArray = this.#layout.arrays.includes(path);
    return join(
      operators.map(([operator, operand]) =>
        isArray && operator !== "$exists"
          ? this.#elements(path, operator, operand)
          : this.#scalar(path, operator, operand),
      ),
      "AND",
    );
  }

  #scalar(path: string, operator: string, operand: unknown): Sql {
    if (operator === "$exists")
      return sql(`json_type(doc, ${jsonPath(path)}) IS ${operand ? "NOT " : ""}NULL`);
    return compare(this.#column(path), operator, operand);
  }

  /** MongoDB compares each element: a negation holds when no element matches. */
  #elements(path: string, operator: string, operand: unknown): Sql {
    const positive = { $ne: "$eq", $nin: "$in" }[operator];
    const isArray = `json_type(doc, ${jsonPath(path)}) IS 'array'`;
    if (Array.isArray(operand) && operand.includes(null)) {
      // Null stands for a document without the array.
      const rest = this.#elements(
        path,
        operator,
        operand.filter((value) => value !== null),
      );
      return positive
        ? join([rest, sql(isArray)], "AND")
        : join([rest, sql(`NOT (${isArray})`)], "OR");
    }
    const condition = compare("value", positive ?? operator, operand);
    const table = elementsTable(this.#layout, path);
    const isIndexed = this.#layout.elements.includes(path) && !positive && operand !== null;
    if (isIndexed && this.#isDriver(table, condition))
      return {
        text: `_id IN (SELECT _id FROM ${table} WHERE ${condition.text})`,
        params: condition.params,
      };
    const scan = `EXISTS (SELECT 1 FROM json_each(doc, ${jsonPath(path)}) WHERE ${condition.text})`;
    if (operand === null) return sql(positive ? isArray : `NOT (${isArray})`);
    return { text: positive ? `NOT ${scan}` : scan, params: condition.params };
  }
}

/** Prefixes are ranges, which an index serves. */
const prefixOf = ({ source, flags }: RegExp): string | undefined =>
  flags === "" ? /^\^([\p{L}\p{N}\p{M}_ -]+)$/u.exec(source)?.[1] : undefined;
const lastCharacter = "\u{10FFFF}";

/** The comparison of a column with an operand. */
function compare(column: string, operator: string, operand: unknown): Sql {
  if (operand instanceof RegExp) return match(column, operand);
  switch (operator) {
    case "$eq":
      return operand === null ? sql(`${column} IS NULL`) : sql(`${column} = ?`, operand);
    case "$ne":
      return operand === null ? sql(`${column} IS NOT NULL`) : sql(`${column} IS NOT ?`, operand);
    case "$in":
    case "$nin":
      return among(column, operator, operand as unknown[]);
    default:
      return range(column, operator, operand);
  }
}

function match(column: string, pattern: RegExp): Sql {
  const prefix = prefixOf(pattern);
  if (prefix === undefined) return sql(`${column} REGEXP ?`, `${pattern.flags}/${pattern.source}`);
  return {
    text: `${column} >= ? AND ${column} < ?`,
    params: [prefix, prefix + lastCharacter],
  };
}

function among(column: string, operator: "$in" | "$nin", operands: unknown[]): Sql {
  const values = operands.filter((value) => value !== null);
  const hasNull = values.length < operands.length;
  const list = `(SELECT value FROM json_each(?))`;
  const text =
    operator === "$in"
      ? `(${column} IN ${list}${hasNull ? ` OR ${column} IS NULL` : ""})`
      : hasNull
        ? `(${column} IS NOT NULL AND ${column} NOT IN ${list})`
        : `(${column} IS NULL OR ${column} NOT IN ${list})`;
  return { text, params: [JSON.stringify(values)] };
}

const comparisons: Record<string, string> = { $lt: "<", $lte: "<=", $gt: ">", $gte: ">=" };

function range(column: string, operator: string, operand: unknown): Sql {
  const comparison = comparisons[operator];
  if (!comparison) throw new Error(`SQLite has no translation of ${operator}.`);
  if (operand === null) return sql(comparison.endsWith("=") ? `${column} IS NULL` : "FALSE");
  const isText = typeof operand === "string";
  const isUpper = comparison.startsWith("<");
  const bound = isText === isUpper ? ` AND ${column} ${isText ? ">=" : "<"} ${anyText}` : "";
  return sql(`${column} ${comparison} ?${bound}`, operand);
}

/** A part of a statement with these operands. */
export const sql = (text: string, ...operands: unknown[]): Sql => ({
  text,
  params: operands.map(toValue),
});

function toValue(operand: unknown): Value {
  if (typeof operand === "boolean") return Number(operand);
  if (typeof operand === "object" && operand !== null)
    throw new Error(`A field cannot be compared with ${JSON.stringify(operand)}.`);
  return operand as Value;
}

/** Whether all fields of an order ascend, or all descend. */
export const haveOneDirection = (sort: string[]): boolean =>
  sort.length > 0 && sort.every((field) => field.startsWith("-") === sort[0]!.startsWith("-"));

export function join(parts: Sql[], operator: "AND" | "OR"): Sql {
  if (parts.length === 0) return sql(operator === "AND" ? "TRUE" : "FALSE");
  if (parts.length === 1) return parts[0]!;
  return {
    text: parts.map(({ text }) => `(${text})`).join(` ${operator} `),
    params: parts.flatMap(({ params }) => params),
  };
}
