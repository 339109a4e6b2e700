/**
 * Writes rows to SQLite without Souk's store, and prints each id once its commit has returned: FOLDER SYNCHRONOUS COUNT.
 * It shows that a power cut under faults.c finds what is not synced.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { writeSync } from "node:fs";

const [folder = "", synchronous = "", count = ""] = process.argv.slice(2);
const database = new DatabaseSync(join(folder, "rows.sqlite"));
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
  PRAGMA wal_autocheckpoint = 50; CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)`);
const insert = database.prepare("INSERT INTO rows VALUES (?, ?)");
for (let id = 1; id <= Number(count); id++) {
  try {
    insert.run(id, "x".repeat((id * 37) % 3000));
    writeSync(1, `${id}\n`);
  } catch (error) {
    writeSync(1, `${id} failed: ${(error as { errcode?: number }).errcode}\n`);
  }
}
