/** Creates and checks the tables and indexes of a collection. */
import type { DatabaseSync } from "node:sqlite";
import type { Index, Stored } from "../store.ts";
import { UnfitFile } from "./file.ts";
import { columnValue, elementsTable, jsonPath, quoted, type Layout } from "./layout.ts";

/** Marks SQLite files as Souk's ("Souk" in ASCII). */
const applicationId = 0x536f756b;
/** Version of the tables' form. A file of a later version is refused. */
const formatVersion = 1;

/** A file up to this size is checked as a whole when it is opened: about 100 ms. Of a longer one, backups check the copy. */
const maxChecked = 32 << 20;

/** Throws what makes a file unfit, as the end of a sentence. Writes nothing. */
export function checkFile(db: DatabaseSync): void {
  const [id, version] = [pragma(db, "application_id"), pragma(db, "user_version")];
  if (id !== 0 && id !== applicationId)
    throw new UnfitFile("foreign", "it belongs to another program");
  if (version > formatVersion)
    throw new UnfitFile("foreign", "it was written by a later version of Souk");
  if (pragma(db, "page_count") * pragma(db, "page_size") > maxChecked) return;
  const [found] = db.prepare("PRAGMA integrity_check(1)").all();
  if (found?.integrity_check !== "ok")
    throw new Error(`it is damaged: ${String(found?.integrity_check).replaceAll(/\s+/g, " ")}`);
}

/** Makes what is declared and does not exist, fills new columns, and drops indexes that are no longer declared. */
export function ensureSchema(db: DatabaseSync, layout: Layout): void {
  const isNew = pragma(db, "application_id") === 0;
  db.exec("BEGIN IMMEDIATE");
  try {
    ensureTables(db, layout);
    if (ensureIndexes(db, layout)) estimateRows(db, layout);
    if (isNew)
      db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

export const pragma = (db: DatabaseSync, name: string) =>
  Number(Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0]);

function ensureTables(db: DatabaseSync, layout: Layout): void {
  const table = quoted(layout.table);
  const columns = layout.columns.map((path) => `, ${quoted(path)}`).join("");
  // The columns have no type, so SQLite converts no value.
  db.exec(
    `CREATE TABLE IF NOT EXISTS ${table} (_id TEXT NOT NULL PRIMARY KEY, doc TEXT NOT NULL, crc INTEGER NOT NULL${columns})`,
  );
  const present = namesIn(db, `PRAGMA table_info(${table})`);
  db.function("column_value", { deterministic: true }, (doc, path) =>
    columnValue(JSON.parse(String(doc)) as Stored, String(path)),
  );
  for (const path of layout.columns.filter((one) => !present.has(one))) {
    db.exec(`ALTER TABLE ${table} ADD COLUMN ${quoted(path)}`);
    db.prepare(`UPDATE ${table} SET ${quoted(path)} = column_value(doc, ?)`).run(path);
  }
  for (const path of layout.elements) ensureElements(db, layout, path);
}

function ensureElements(db: DatabaseSync, layout: Layout, path: string): void {
  const name = elementsTable(layout, path);
  const exists = db.prepare(`PRAGMA table_info(${name})`).get();
  if (exists) return;
  // Sorted first: of many documents, writes in any order would read and write each page many times.
  db.exec(
    `CREATE TABLE ${name} (value, _id TEXT NOT NULL, PRIMARY KEY (value, _id)) WITHOUT ROWID;
    INSERT OR IGNORE INTO ${name} SELECT value, _id FROM ${quoted(layout.table)}, json_each(doc, ${jsonPath(path)}) ORDER BY 1, 2`,
  );
}

/** Returns whether anything was made or dropped. */
function ensureIndexes(db: DatabaseSync, { table, indexes }: Layout): boolean {
  const wanted = new Map(indexes.map((index) => [nameOf(table, index), index]));
  const list = db.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
  );
  const present = new Set((list.all(table) as { name: string }[]).map(({ name }) => name));
  const dropped = [...present].filter((name) => !wanted.has(name));
  const made = [...wanted].filter(([name]) => !present.has(name));
  for (const name of dropped) db.exec(`DROP INDEX ${quoted(name)}`);
  for (const [name, index] of made)
    db.exec(
      `CREATE ${index.unique ? "UNIQUE " : ""}INDEX ${quoted(name)} ON ${quoted(table)} (${index.fields.map(quoted).join(", ")})${conditionOf(index)}`,
    );
  return dropped.length > 0 || made.length > 0;
}

/** A market of the size for which plans matter, and the documents that share a value which is neither unique nor a boolean. */
const [assumedRows, assumedPerValue] = [1_000_000, 1_000];

/**
 * Gives the query planner its statistics: fixed ones, so that plans are the same in every market and do not
 * change as it grows. Without any, it takes an index of a boolean for as selective as one of a seller.
 */
function estimateRows(db: DatabaseSync, { table, indexes, booleans }: Layout): void {
  db.exec("ANALYZE sqlite_schema; DELETE FROM sqlite_stat1");
  const insert = db.prepare("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)");
  for (const index of indexes) {
    const { fields, unique } = index;
    let rows = assumedRows;
    const perPrefix = fields.map((field, n) => {
      const isLast = n === fields.length - 1;
      const share = booleans.includes(field)
        ? rows / 2
        : Math.min(rows / 2, assumedPerValue) / (n + 1);
      return (rows = Math.ceil(field === "_id" || (unique && isLast) ? 1 : share));
    });
    insert.run(table, nameOf(table, index), [assumedRows, ...perPrefix].join(" "));
  }
  db.exec("ANALYZE sqlite_schema");
}

/** The name tells one definition from another, so a changed definition is a new index. */
export const nameOf = (table: string, { fields, unique, sparse, partial }: Index) =>
  [table, fields.join(","), unique && "unique", sparse && "sparse", partial && `partial ${partial}`]
    .filter(Boolean)
    .join(" ");

/** Documents that a sparse or partial index leaves out. A query that an index serves compares its first field. */
function conditionOf({ fields, sparse, partial }: Index): string {
  const path = partial ?? (sparse ? fields[0] : undefined);
  return path ? ` WHERE ${quoted(path)} IS NOT NULL` : "";
}

const namesIn = (db: DatabaseSync, pragma: string) =>
  new Set((db.prepare(pragma).all() as { name: string }[]).map(({ name }) => name));
