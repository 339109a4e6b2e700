import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
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

/** One folder at a time: `mkdirSync` with `recursive` never returns for some paths, for example in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}
