/** The files of bench/references/embedded.ts. The benchmark fills and reads them too. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export const marketFile = (folder: string) => join(folder, "market.sqlite");
export const noticesFile = (folder: string) => join(folder, "notifications.sqlite");

/** With indexes for the same lists as Souk's, because the cost of a write depends on them. */
const marketTables = `
  CREATE TABLE IF NOT EXISTS items (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    price INTEGER NOT NULL,
    currency TEXT NOT NULL,
    seller_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    is_sold INTEGER NOT NULL DEFAULT 0,
    buyer_id TEXT,
    sale_id TEXT,
    sold_at TEXT,
    notice_state TEXT,
    notice_due_at TEXT
  );
  CREATE INDEX IF NOT EXISTS newest ON items (created_at, id);
  CREATE INDEX IF NOT EXISTS newest_sold ON items (is_sold, created_at, id);
  CREATE INDEX IF NOT EXISTS newest_of_seller ON items (seller_id, created_at, id);
  CREATE INDEX IF NOT EXISTS prices ON items (price, id);
  CREATE INDEX IF NOT EXISTS prices_sold ON items (is_sold, price, id);
  CREATE INDEX IF NOT EXISTS prices_of_seller ON items (seller_id, price, id);
  CREATE INDEX IF NOT EXISTS sales ON items (seller_id, sold_at, id);
  CREATE INDEX IF NOT EXISTS purchases ON items (buyer_id, sold_at, id) WHERE buyer_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS due ON items (notice_due_at) WHERE notice_due_at IS NOT NULL;
`;

const noticeTables = `
  CREATE TABLE IF NOT EXISTS notices (
    user_id TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    text TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at TEXT NOT NULL,
    is_read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, id)
  );
  CREATE INDEX IF NOT EXISTS inbox ON notices (user_id, created_at, id);
  CREATE INDEX IF NOT EXISTS unread ON notices (user_id, is_read, created_at, id);
`;

/** As durable as Souk's: a committed write survives a power cut. */
function openFile(file: string, tables: string): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec(tables);
  return db;
}

export const openMarket = (folder: string) => openFile(marketFile(folder), marketTables);
export const openNotices = (folder: string) => openFile(noticesFile(folder), noticeTables);
