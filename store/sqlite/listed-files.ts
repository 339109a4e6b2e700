/** The list of the databases in a data folder: one that is lost must not be replaced by an empty one. */
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Middleware, Service, ServiceBroker } from "moleculer";
import { syncPath } from "../../broker/folder.ts";
import { SqliteStore } from "./adapter.ts";

/**
 * Middleware that keeps the names of the broker's database files in `files.json` of the folder, from the first complete start on.
 * It refuses the start with one sentence when a listed file is missing or empty, or when no file can be used. A folder without the
 * list gets one.
 */
export const listedFiles = (folder: string): Middleware => ({
  name: "ListedFiles",
  async starting(broker: ServiceBroker) {
    const listed = readList(folder);
    const lost = storesIn(folder, broker).find(
      ({ file }) => listed.includes(basename(file)) && isMissing(file),
    );
    if (lost)
      throw new Error(
        `${lost.file} is missing or empty: restore it from a backup, or remove its name from ${listOf(folder)} to begin with an empty one.`,
      );
  },
  async started(broker: ServiceBroker) {
    const stores = storesIn(folder, broker);
    if (stores.length > 0 && stores.every(({ outage }) => outage))
      throw new Error(stores[0]!.outage);
    const listed = readList(folder);
    const used = stores.map(({ file }) => basename(file));
    // A file stays listed while its service runs elsewhere.
    const names = [...new Set([...listed, ...used])].sort();
    if (names.length > listed.length) writeList(folder, names);
  },
});

/** The stores of the broker's services whose files are in the folder, by the names of the files. */
export const storesIn = (folder: string, broker: ServiceBroker): SqliteStore[] =>
  (broker.services as (Service & { adapter?: unknown; furtherAdapter?: unknown })[])
    .flatMap(({ adapter, furtherAdapter }) => [adapter, furtherAdapter])
    .filter((store) => store instanceof SqliteStore)
    .filter(({ file }) => dirname(file) === folder)
    .sort((a, b) => (a.file < b.file ? -1 : 1));

const listOf = (folder: string) => join(folder, "files.json");

/** A database has a header from its first transaction on. */
const isMissing = (file: string) => !statSync(file, { throwIfNoEntry: false })?.size;

function readList(folder: string): string[] {
  const file = listOf(folder);
  try {
    const names: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
    throw new Error("it is not a list of names");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new Error(
      `${file} cannot be read (${message}). Restore it from a backup, or remove it when all databases are in ${folder}.`,
      { cause: error },
    );
  }
}

function writeList(folder: string, names: string[]): void {
  const file = listOf(folder);
  writeFileSync(`${file}.new`, `${JSON.stringify(names, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  syncPath(folder);
}
