import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";

/** Makes the folder if it is missing. Adds a sentence to `faults` if it cannot be made or written. */
export function writableFolder(name: string, path: string, faults: string[]): void {
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    faults.push(`${name} ${path} cannot be written: ${(error as Error).message}.`);
  }
}

/**
 * Makes the folder and those above it if they are missing, so that they are there after a power cut. One at a time: `mkdirSync` with
 * `recursive` never returns for some paths, for example in /proc.
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  mkdirSync(path, mode);
  syncPath(dirname(path));
}

/**
 * Makes an empty file, readable by its owner only, unless it exists. It never opens an existing one: to close it would
 * release the locks that this process has on it.
 */
export function makeFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Puts a file, or the names in a folder, on the disk. The sync of a file does not include its name. */
export function syncPath(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}

/** A file's device and number: the same under any name. */
export function identityOf(path: string): string {
  const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : "none";
}
