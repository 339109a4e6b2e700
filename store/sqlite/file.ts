/** The file of a database and its log, as files. */
import { closeSync, existsSync, openSync, statSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { makeFolder, syncPath } from "../../broker/folder.ts";

/** A file's device and number: the same under any name. */
export function identityOf(path: string): string {
  const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : "none";
}

/** Creates the file, readable by its owner only, so that it is there after a power cut. */
export function createFile(file: string): void {
  // SQLite would remove the log of a missing file, with the writes in it.
  if (!existsSync(file) && existsSync(`${file}-wal`))
    throw new Error(
      `it does not exist, but its log ${file}-wal does: restore both from one backup`,
    );
  makeFolder(dirname(file), 0o700);
  closeSync(openSync(file, "a", 0o600));
  syncPath(dirname(file));
}

/**
 * A process that died may have left transactions in the log that are not on the disk. SQLite takes them as done, so they must
 * survive a power cut before anybody reads them.
 */
export function syncLog(file: string): void {
  const log = `${file}-wal`;
  if (existsSync(log)) syncPath(log);
}
