/** Fills a SQLite file from a file of version 0.1.0. Synchronous, for a thread of its own. */
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { makeFile, syncPath } from "../../broker/folder.ts";
import { withWords } from "../../domain/offer.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { Layout } from "../sqlite/layout.ts";
import { ensureSchema } from "../sqlite/schema.ts";
import { Table } from "../sqlite/table.ts";
import type { Stored } from "../store.ts";
import { BrokenLine, linesOf, type Line } from "./lines.ts";

export interface Job {
  /** The file of version 0.1.0. */
  from: string;
  /** The file to make. It is complete and on the disk when `fill` returns. */
  to: string;
  layout: Layout;
}

/** Nothing is restored: an unfinished file is removed. */
const settings = `
  PRAGMA journal_mode = MEMORY;
  PRAGMA synchronous = OFF;
  PRAGMA cache_size = -64000;
`;

/** SQLite's primary result code of a violated constraint. */
const constraintCode = 19;

/** Returns the number of documents. Throws one sentence. */
export function fill({ from, to, layout }: Job): number {
  let db: DatabaseSync | undefined;
  try {
    rmSync(to, { force: true });
    makeFile(to);
    db = new DatabaseSync(to);
    db.exec(settings);
    const count = copy(from, db, layout);
    db.close();
    syncPath(to);
    return count;
  } catch (error) {
    if (db?.isOpen) db.close();
    rmSync(to, { force: true });
    throw sentence(from, error as Error);
  }
}

function copy(from: string, db: DatabaseSync, layout: Layout): number {
  // An index that is made at the end is sorted once. Unique ones are made first: they find the line of a duplicate.
  const indexes = layout.indexes.filter(({ unique }) => unique);
  const first = { ...layout, elements: [], indexes };
  ensureSchema(db, first);
  const table = new Table(db, first);
  const change = layout.table === "items" ? refold : (doc: Stored) => doc;
  db.exec("BEGIN");
  for (const line of linesOf(from)) apply(table, line, change);
  const count = table.count({});
  db.exec("COMMIT");
  ensureSchema(db, layout);
  return count;
}

/** Version 0.1.0 made the words of an item by another rule. */
const refold = (doc: Stored) => withWords(doc as unknown as ItemDocument) as unknown as Stored;

function apply(table: Table, line: Line, change: (doc: Stored) => Stored): void {
  if ("removed" in line) return void table.remove({ _id: line.removed });
  const { number, doc } = line;
  const insert = () => table.insert(change(doc));
  try {
    try {
      insert();
    } catch (error) {
      if (!isDuplicate(error) || !table.remove({ _id: doc._id })) throw error;
      insert();
    }
  } catch (error) {
    if (!isDuplicate(error)) throw new BrokenLine(number, "is not a document of Souk");
    throw new BrokenLine(number, "has a value of a unique field that an earlier line has");
  }
}

const isDuplicate = (error: unknown) =>
  ((error as { errcode?: number }).errcode ?? 0) % 256 === constraintCode;

function sentence(from: string, error: Error): Error {
  const what =
    error instanceof BrokenLine
      ? `line ${error.line} ${error.message}: restore the file from a backup, or repair or remove that line`
      : error.message;
  return new Error(`${from} cannot be imported: ${what}.`, { cause: error });
}
