import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Middleware } from "moleculer";

/** SQLite's result code of a file that another connection has locked. */
const busyCode = 5;

/**
 * Middleware that locks a folder for this broker while it runs: its files serve one market. The lock is SQLite's lock of an
 * empty file. It holds for all processes that use the file, also in other containers, and the kernel releases it
 * when its process dies in any way, so a file that is left behind locks nothing.
 */
export function exclusive(folder: string): Middleware {
  let lock: DatabaseSync | undefined;
  return {
    name: "FolderLock",
    async starting() {
      lock = lockFolder(folder);
    },
    stopped: async () => void lock?.close(),
  };
}

/** Holds until the connection is closed. Throws one sentence. */
function lockFolder(folder: string): DatabaseSync {
  const file = join(folder, "lock");
  let connection: DatabaseSync | undefined;
  try {
    createFile(file);
    connection = new DatabaseSync(file);
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return connection;
  } catch (error) {
    connection?.close();
    const { errcode, message } = error as Error & { errcode?: number };
    throw new Error(
      errcode === busyCode
        ? `${folder} is in use by another Souk process. Stop that process, or set DATA_DIR to another folder.`
        : `${file} cannot be locked: ${message}.`,
      { cause: error },
    );
  }
}

/** Never opens an existing file: to close it would release the locks that this process has on it. */
function createFile(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
