/** The files of an embedded Souk: filled before it starts, and read while it runs. */
import { copyFileSync, constants } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { items } from "../../services/market/items.ts";
import { notices } from "../../services/notifications/inbox.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import { ensureSchema } from "../../store/sqlite/schema.ts";
import { Table } from "../../store/sqlite/table.ts";
import type { Collection, Stored } from "../../store/store.ts";

const marketFile = (folder: string) => join(folder, "market.sqlite");
const noticesFile = (folder: string) => join(folder, "notifications.sqlite");

/** Not durable, and with room for all pages. */
const fillSettings =
  "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000000";

/** Makes a file, in one transaction; the indexes come last, because sorting is faster than inserting. */
function fill(file: string, collection: Collection, documents: Iterable<Stored>): void {
  const layout = layoutOf(collection);
  const withoutIndexes = { ...layout, elements: [], indexes: [] };
  const db = new DatabaseSync(file);
  db.exec(fillSettings);
  ensureSchema(db, withoutIndexes);
  const table = new Table(db, withoutIndexes);
  db.exec("BEGIN");
  for (const document of documents) table.insert(document);
  db.exec("COMMIT");
  ensureSchema(db, layout);
  db.close();
}

/** Make the files of a market that has not started. */
export const fillItems = (folder: string, documents: Iterable<ItemDocument>) =>
  fill(marketFile(folder), items, documents);
export const fillNotices = (folder: string, documents: Iterable<NoticeDocument>) =>
  fill(noticesFile(folder), notices, documents);

/** Copies the items of one folder into another. */
export const copyItems = (from: string, to: string) =>
  copyFileSync(marketFile(from), marketFile(to), constants.COPYFILE_FICLONE);

/** What the files of a running market show. Each read is cheap, because its cost is part of a measurement. */
export class MarketFiles {
  readonly #items: DatabaseSync;
  readonly #notices: DatabaseSync;

  constructor(folder: string) {
    this.#items = new DatabaseSync(marketFile(folder), { readOnly: true });
    this.#notices = new DatabaseSync(noticesFile(folder), { readOnly: true });
  }

  /** The number of items with a pending outbox entry. */
  pending(): number {
    return count(this.#items, `SELECT count(*) FROM items WHERE "outbox.dueAt" IS NOT NULL`);
  }

  isAnyPending(): boolean {
    return (
      count(this.#items, `SELECT EXISTS (SELECT 1 FROM items WHERE "outbox.dueAt" IS NOT NULL)`) > 0
    );
  }

  /** The number of sold items, of those with a prefix, whose notice is delivered. */
  delivered(prefix: string): number {
    return count(
      this.#items,
      `SELECT count(*) FROM items WHERE _id >= ? AND _id < ? AND doc ->> '$.isSold' = 1
        AND doc ->> '$.outbox.entries.notice.state' = 'delivered'`,
      ...rangeOf(prefix),
    );
  }

  /** The number of notices of users with a prefix. */
  notices(prefix: string): number {
    return count(
      this.#notices,
      `SELECT count(*) FROM notifications WHERE "userId" >= ? AND "userId" < ?`,
      ...rangeOf(prefix),
    );
  }

  close(): void {
    this.#items.close();
    this.#notices.close();
  }
}

/** The texts that begin with a prefix. */
export const rangeOf = (prefix: string) => [prefix, `${prefix}\u{10FFFF}`] as const;

export const count = (db: DatabaseSync, text: string, ...params: string[]): number =>
  Number(Object.values(db.prepare(text).get(...params)!)[0]);
