/** The file of a database and its log, as files. */
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder, syncPath } from "../../broker/folder.ts";

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
