/** Creates and checks the tables and indexes of a collection. */
import type { DatabaseSync } from "node:sqlite";
import type { Index } from "../store.ts";
import { elementsTable, jsonPath, quoted, type Layout } from "./layout.ts";

/** Marks SQLite files as Souk's ("Souk" in ASCII). */
const applicationId = 0x536f756b;
/** Version of the tables' form. A file of a later version is refused. */
const formatVersion = 1;

/** Makes what is declared and does not exist, fills new columns, and drops indexes that are no longer declared. */
export function ensureSchema(db: DatabaseSync, layout: Layout): void {
  checkFormat(db);
  db.exec("BEGIN IMMEDIATE");
  try {
    ensureTables(db, layout);
    ensureIndexes(db, layout);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function checkFormat(db: DatabaseSync): void {
  const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0]);
  const [id, version] = [pragma("application_id"), pragma("user_version")];
  if (id !== 0 && id !== applicationId) throw new Error("it belongs to another program");
  if (version > formatVersion) throw new Error("it was written by a later version of Souk");
}

function ensureTables(db: DatabaseSync, layout: Layout): void {
  const table = quoted(layout.table);
  const columns = layout.columns.map((path) => `, ${quoted(path)}`).join("");
  // The columns have no type, so SQLite converts no value.
  db.exec(
    `CREATE TABLE IF NOT EXISTS ${table} (_id TEXT NOT NULL PRIMARY KEY, doc TEXT NOT NULL, crc INTEGER NOT NULL${columns})`,
  );
  const present = namesIn(db, `PRAGMA table_info(${table})`);
  for (const path of layout.columns.filter((one) => !present.has(one)))
    db.exec(
      `ALTER TABLE ${table} ADD COLUMN ${quoted(path)}; UPDATE ${table} SET ${quoted(path)} = doc ->> ${jsonPath(path)}`,
    );
  for (const path of layout.elements) ensureElements(db, layout, path);
}

function ensureElements(db: DatabaseSync, layout: Layout, path: string): void {
  const name = elementsTable(layout, path);
  const exists = db.prepare(`PRAGMA table_info(${name})`).get();
  if (exists) return;
  db.exec(
    `CREATE TABLE ${name} (value, _id TEXT NOT NULL, PRIMARY KEY (value, _id)) WITHOUT ROWID;
    INSERT OR IGNORE INTO ${name} SELECT value, _id FROM ${quoted(layout.table)}, json_each(doc, ${jsonPath(path)})`,
  );
}

function ensureIndexes(db: DatabaseSync, { table, indexes }: Layout): void {
  const wanted = new Map(indexes.map((index) => [nameOf(table, index), index]));
  const list = db.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
  );
  const present = new Set((list.all(table) as { name: string }[]).map(({ name }) => name));
  for (const name of present) if (!wanted.has(name)) db.exec(`DROP INDEX ${quoted(name)}`);
  for (const [name, { fields, unique }] of wanted)
    if (!present.has(name))
      db.exec(
        `CREATE ${unique ? "UNIQUE " : ""}INDEX ${quoted(name)} ON ${quoted(table)} (${fields.map(quoted).join(", ")})${conditionOf(wanted.get(name)!)}`,
      );
}

/** The name tells one definition from another, so a changed definition is a new index. */
const nameOf = (table: string, { fields, unique, sparse, partial }: Index) =>
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
