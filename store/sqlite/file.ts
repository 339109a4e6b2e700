/** The file of a database and its log, as files. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { identityOf, makeFile, makeFolder, syncPath } from "../../broker/folder.ts";

/** What is known of a file from before: its identity, or only that it exists. */
export type Known = string | "exists";

/** `foreign`: not a file of this version of Souk. `replaced`: not the file that this process used. */
export type Unfit = "foreign" | "replaced";

/** A file that is not damaged, but must not be used. */
export class UnfitFile extends Error {
  readonly kind: Unfit;
  constructor(kind: Unfit, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Throws when the file is not the known one: another in its place may belong to another market, or be a restored copy. */
export function checkIdentity(file: string, known: Known): void {
  const found = identityOf(file);
  if (found === "none") throw new Error("it does not exist");
  if (known !== "exists" && found !== known)
    throw new UnfitFile("replaced", "another file is in its place, which only a restart may use");
}

/** Creates the file, readable by its owner only, so that it is there after a power cut. */
export function createFile(file: string): void {
  // SQLite would remove the log of a missing file, with the writes in it.
  if (!existsSync(file) && existsSync(`${file}-wal`))
    throw new Error(
      `it does not exist, but its log ${file}-wal does: restore both from one backup`,
    );
  makeFolder(dirname(file), 0o700);
  makeFile(file);
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
