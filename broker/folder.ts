import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** Makes the folder if it is missing; what is wrong with it is a fault. */
export function writableFolder(name: string, path: string, faults: string[]): void {
  try {
    make(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    faults.push(`${name} ${path} cannot be written: ${(error as Error).message}.`);
  }
}

/** One by one: Node's own recursion never ends where the system says that a parent is missing which is there (in /proc, say). */
function make(path: string): void {
  if (existsSync(path)) return;
  make(dirname(path));
  mkdirSync(path);
}
