import { crc32 } from "node:zlib";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Find, Query, Stored, Update } from "../store.ts";
import {
  columnValue,
  elementsOf,
  elementsTable,
  quoted,
  type Layout,
  type Value,
} from "./layout.ts";
import { checked, CorruptRow, type Row, type Selected } from "./row.ts";
import { haveOneDirection, join, sql, Translator, type Sql } from "./sql.ts";
import { applyUpdate, touches } from "./update.ts";

/** Where a turn of a long search ended: the order's values of the last document that was read, and what was found. */
export interface Walk {
  after?: Value[];
  found: string[];
  /** The turns that it took. */
  turns: number;
}

/** Documents that one turn of a long search reads: about 5 ms. */
const maxWalked = 1000;
/** Prepared statements that are kept. */
const maxStatements = 200;
/** With more matches than this, an ordered list is read in its order, and each document asked for its elements. */
const maxDriven = 2000;

/** The documents of one collection, in tables of an open database. Synchronous; transactions are the caller's. */
export class Table {
  readonly #db: DatabaseSync;
  readonly #layout: Layout;
  readonly #name: string;
  readonly #statements = new Map<string, StatementSync>();
  readonly #rowColumns: string;

  constructor(db: DatabaseSync, layout: Layout) {
    [this.#db, this.#layout, this.#name] = [db, layout, quoted(layout.table)];
    this.#rowColumns = ["rowid", "doc", "crc", "_id", ...layout.columns.map(quoted)].join(", ");
    db.function("regexp", { deterministic: true }, matches);
  }

  insert(doc: Stored): void {
    const columns = this.#layout.columns;
    const names = ["_id", "doc", "crc", ...columns.map(quoted)];
    const text = JSON.stringify(doc);
    this.#run(
      `INSERT INTO ${this.#name} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
      [doc._id, text, crc32(text), ...columns.map((path) => columnValue(doc, path))],
    );
    for (const path of this.#layout.elements)
      this.#changeElements(path, doc._id, [], elementsOf(doc, path));
  }

  /**
   * The documents as JSON texts. A search of frequent words is read in its order until the limit is found, which may
   * take several turns: `from` is where the last turn ended.
   */
  find({ query, sort = [], limit }: Find, from?: Walk): string[] | Walk {
    const isOrdered = limit !== undefined && haveOneDirection(sort);
    if (from) return this.#walk({ query, sort, limit: limit! }, from);
    let isDriven = true;
    const translator = new Translator(this.#layout, (table, condition) => {
      const isRare = !isOrdered || this.#count(table, condition, maxDriven + 1) <= maxDriven;
      isDriven &&= isRare;
      return isRare;
    });
    const where = translator.where(query);
    if (limit === 1 && sort.length === 0) return this.#one(where);
    return isDriven || where.text.includes(" IN (SELECT _id ")
      ? this.#select(where, translator.order(sort), limit)
      : this.#walk({ query, sort, limit: limit! }, { found: [], turns: 0 });
  }

  #select({ text, params }: Sql, order: string, limit?: number): string[] {
    const [by, most] = [order && ` ORDER BY ${order}`, limit === undefined ? "" : " LIMIT ?"];
    const rows = this.#all(
      `SELECT doc, crc, _id FROM ${this.#name} WHERE ${text}${by}${most}`,
      limit === undefined ? params : [...params, limit],
    ) as Selected[];
    return rows.map(checked);
  }

  #one(where: Sql): string[] {
    const row = this.#first(where);
    return row ? [row.text] : [];
  }

  /** Reads the next part of a list in its order, and asks each document for its elements. */
  #walk(
    { query, sort, limit }: Find & { sort: string[]; limit: number },
    { after, found, turns }: Walk,
  ): string[] | Walk {
    const translator = new Translator(this.#layout, () => false);
    const { elements, rest } = translator.split(query);
    const asked = translator.where(elements);
    const { text, params } = join(
      [translator.where(rest), ...(after ? [translator.beyond(sort, after)] : [])],
      "AND",
    );
    const part = `FROM ${this.#name} WHERE ${text} ORDER BY ${translator.order(sort)}`;
    const matching = this.#all(
      `SELECT doc, crc, _id FROM (SELECT doc, crc, _id ${part} LIMIT ${maxWalked}) WHERE ${asked.text} LIMIT ?`,
      [...params, ...asked.params, limit - found.length],
    ) as Selected[];
    const all = [...found, ...matching.map(checked)];
    if (all.length === limit) return all;
    const last = `SELECT ${translator.keys(sort).join(", ")} ${part} LIMIT 1 OFFSET ${maxWalked - 1}`;
    const next = this.#get(last, params) as Value[] | undefined;
    // Nothing is greater or less than null.
    if (next?.includes(null))
      return this.#select(translator.where(query), translator.order(sort), limit);
    if (next) return { after: next, found: all, turns: turns + 1 };
    if (!after || !sort[0]!.startsWith("-")) return all;
    const lacking = sql(`${translator.keys(sort)[0]} IS NULL`);
    const lastOnes = join([translator.where(query), lacking], "AND");
    return [...all, ...this.#select(lastOnes, translator.order(sort), limit - all.length)];
  }

  /** Up to `limit`: no more keys are read. */
  count(query: Query, limit = -1): number {
    return this.#count(this.#name, this.#where(query), limit);
  }

  /** The ids of the rows that match, up to `limit`. */
  rowids(query: Query, limit = -1): number[] {
    const { text, params } = this.#where(query);
    const found = `SELECT rowid FROM ${this.#name} WHERE ${text} LIMIT ?`;
    return this.#all(found, [...params, limit]).map(([rowid]) => Number(rowid));
  }

  /** Changes a document that matches; of the given row, if it still does. Returns its text, or null. */
  update(query: Query, update: Update, rowid?: number): string | null {
    const row = this.#row(query, rowid);
    if (!row) return null;
    const { doc } = row;
    const arrays = this.#layout.elements.filter((path) => touches(update, path));
    const before = arrays.map((path) => elementsOf(doc, path));
    applyUpdate(doc, update);
    const text = JSON.stringify(doc);
    const { columns } = this.#layout;
    const values = columns.map((path) => columnValue(doc, path));
    // An index whose columns stay the same is not written.
    const changed = columns.flatMap((path, n) => (values[n] === row.columns[n] ? [] : [n]));
    const assignments = changed.map((n) => `, ${quoted(columns[n]!)} = ?`).join("");
    this.#run(`UPDATE ${this.#name} SET doc = ?, crc = ?${assignments} WHERE rowid = ?`, [
      text,
      crc32(text),
      ...changed.map((n) => values[n]!),
      row.rowid,
    ]);
    arrays.forEach((path, n) =>
      this.#changeElements(path, doc._id, before[n]!, elementsOf(doc, path)),
    );
    return text;
  }

  /** Removes one document that matches; of the given row, if it does. Returns its text, or null. */
  remove(query: Query, rowid?: number): string | null {
    const row = this.#row(query, rowid);
    if (!row) return null;
    this.#run(`DELETE FROM ${this.#name} WHERE rowid = ?`, [row.rowid]);
    const { doc } = row;
    for (const path of this.#layout.elements)
      this.#changeElements(path, doc._id, elementsOf(doc, path), []);
    return JSON.stringify(doc);
  }

  #row(query: Query, rowid?: number): Row | undefined {
    const where = this.#where(query);
    return this.#first(
      rowid === undefined
        ? where
        : { text: `rowid = ? AND (${where.text})`, params: [rowid, ...where.params] },
    );
  }

  /** SQLite takes the columns that its index has from the index: if they do not agree with the document, the index is broken. */
  #first({ text: condition, params }: Sql): Row | undefined {
    const found = this.#get(
      `SELECT ${this.#rowColumns} FROM ${this.#name} WHERE ${condition} LIMIT 1`,
      params,
    );
    if (!found) return undefined;
    const [rowid, stored, crc, _id, ...columns] = found as [number, ...Selected, ...Value[]];
    const text = checked([stored, crc, _id]);
    const doc = JSON.parse(text) as Stored;
    if (this.#layout.columns.some((path, n) => columnValue(doc, path) !== columns[n]))
      throw new CorruptRow(`the columns of document ${doc._id} do not agree with it`);
    return { rowid, text, doc, columns };
  }

  #changeElements(path: string, _id: string, before: Value[], after: Value[]): void {
    const table = elementsTable(this.#layout, path);
    const [old, wanted] = [new Set(before), new Set(after)];
    for (const value of before.filter((one) => !wanted.has(one)))
      this.#run(`DELETE FROM ${table} WHERE value = ? AND _id = ?`, [value, _id]);
    for (const value of after.filter((one) => !old.has(one)))
      this.#run(`INSERT INTO ${table} (value, _id) VALUES (?, ?)`, [value, _id]);
  }

  #count(table: string, { text, params }: Sql, limit: number): number {
    const counted = `SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${text} LIMIT ?)`;
    return Number(this.#get(counted, [...params, limit])![0]);
  }

  #where(query: Query): Sql {
    return new Translator(this.#layout).where(query);
  }

  #run(text: string, params: Value[]): void {
    this.#prepare(text).run(...params);
  }

  #get(text: string, params: Value[]): unknown[] | undefined {
    return this.#prepare(text).get(...params) as unknown[] | undefined;
  }

  #all(text: string, params: Value[]): unknown[][] {
    return this.#prepare(text).all(...params) as unknown as unknown[][];
  }

  #prepare(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#db.prepare(text);
    // A map keeps the order of insertion, so its first entry is the least recently used.
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    statement.setReturnArrays(true);
    if (this.#statements.size > maxStatements)
      this.#statements.delete(this.#statements.keys().next().value!);
    return statement;
  }
}

/** SQLite's `value REGEXP pattern`. A pattern is its flags, a slash and its source. */
function matches(pattern: unknown, value: unknown): number {
  const [flags = "", source] = String(pattern).split(/\/(.*)/s);
  return typeof value === "string" && new RegExp(source!, flags).test(value) ? 1 : 0;
}
