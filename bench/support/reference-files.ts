/** The files of the hand-written embedded market: filled before it starts, and read while it runs. */
import { DatabaseSync } from "node:sqlite";
import type { ItemDocument } from "../../domain/item.ts";
import { marketFile, noticesFile, openMarket, openNotices } from "../references/embedded-files.ts";
import type { SoldFiles } from "./embedded.ts";
import { count, rangeOf } from "./files.ts";

export function fillReference(folder: string, documents: Iterable<ItemDocument>): void {
  openNotices(folder).close();
  const db = openMarket(folder);
  const insert = db.prepare(`
    INSERT INTO items (id, title, description, price, currency, seller_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  db.exec("BEGIN");
  for (const { _id, title, description, price, currency, sellerId, createdAt } of documents)
    insert.run(_id, title, description, price, currency, sellerId, createdAt);
  db.exec("COMMIT");
  db.close();
}

export function watchReference(folder: string, run: string): SoldFiles {
  const [items, notices] = [marketFile(folder), noticesFile(folder)].map(
    (file) => new DatabaseSync(file, { readOnly: true }),
  );
  return {
    isDelivered: () =>
      count(items!, "SELECT EXISTS (SELECT 1 FROM items WHERE notice_due_at IS NOT NULL)") === 0,
    counts: () => ({
      delivered: count(
        items!,
        "SELECT count(*) FROM items WHERE id >= ? AND id < ? AND is_sold = 1 AND notice_state = 'delivered'",
        ...rangeOf(`${run}-`),
      ),
      stored: count(
        notices!,
        "SELECT count(*) FROM notices WHERE user_id >= ? AND user_id < ?",
        ...rangeOf(`${run}-seller-`),
      ),
    }),
    close() {
      items!.close();
      notices!.close();
    },
  };
}
