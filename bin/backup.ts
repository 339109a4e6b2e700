/**
 * Copies an embedded market's files and keys, also while it runs: `npm run backup -- FOLDER`. DATA_DIR names the market's folder. Each
 * copy is one moment of its file. Exits with 1 and one sentence when it cannot.
 */
import { copyFileSync, chmodSync, existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { syncPath } from "../broker/folder.ts";

/** A sale is in market before its notice is in notifications: the copy of market is made first (docs/backup.md). */
const databases = ["market", "notifications", "notifications-recipients", "users", "deliveries"];
/** A folder that has not been started since this version has none of these. */
const laterDatabases = ["notifications-recipients", "deliveries"];

async function copyAll(from: string, to: string): Promise<void> {
  const missing = [...databases.map((name) => `${name}.sqlite`), "keys.json"]
    .filter((name) => !laterDatabases.some((later) => name === `${later}.sqlite`))
    .map((name) => join(from, name))
    .filter((path) => !existsSync(path));
  if (missing.length > 0)
    throw new Error(`There is no embedded market in ${from}: ${missing.join(", ")} does not exist`);
  mkdirSync(to, { recursive: true, mode: 0o700 });
  if (readdirSync(to).length > 0) throw new Error(`${to} is not empty`);
  for (const name of databases)
    if (existsSync(join(from, `${name}.sqlite`)))
      await copyDatabase(join(from, `${name}.sqlite`), to, name);
  copyFile(from, to, "keys.json");
  // A folder that has not been started since this version has no list (store/sqlite/listed-files.ts).
  if (existsSync(join(from, "files.json"))) copyFile(from, to, "files.json");
  syncPath(to);
}

function copyFile(from: string, to: string, name: string): void {
  const copy = join(to, name);
  copyFileSync(join(from, name), copy);
  chmodSync(copy, 0o600);
  syncPath(copy);
}

/** Under another name until it is complete. SQLite makes the copy at one moment, whatever is written during it. */
async function copyDatabase(file: string, to: string, name: string): Promise<void> {
  const copy = join(to, `${name}.sqlite.part`);
  const source = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    // All pages in one step: a step that finds the file changed would begin again.
    await backup(source, copy, { rate: 1_000_000_000 });
  } catch (error) {
    throw new Error(`${file} cannot be copied: ${(error as Error).message}`, { cause: error });
  } finally {
    source.close();
  }
  chmodSync(copy, 0o600);
  // Not read-only: such a connection would leave its log behind.
  const check = new DatabaseSync(copy);
  const [found] = check.prepare("PRAGMA integrity_check(1)").all();
  check.close();
  if (found?.integrity_check !== "ok")
    throw new Error(`${file} is damaged: ${String(found?.integrity_check)}`);
  syncPath(copy);
  renameSync(copy, join(to, `${name}.sqlite`));
}

const folder = process.argv[2];
try {
  if (!folder) throw new Error("Name a new folder for the copy: npm run backup -- FOLDER");
  const to = resolve(folder);
  await copyAll(resolve(process.env.DATA_DIR || "data"), to);
  console.log(`The copy is in ${to}.`);
} catch (error) {
  console.error(`${(error as Error).message}.`);
  process.exitCode = 1;
}
