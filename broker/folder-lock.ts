import { stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Middleware, ServiceBroker } from "moleculer";
import { identityOf, makeFile } from "./folder.ts";

/** SQLite's result code of a file that another connection has locked. */
const busyCode = 5;
/** The time between two checks that the lock is still in the folder (ms). */
const checkIntervalMs = 500;

/**
 * Middleware that locks a folder for this broker while it runs: its files serve one market. The lock is SQLite's lock of an
 * empty file. It holds for all processes that use the file, also in other containers, and the kernel releases it
 * when its process dies in any way, so a file that is left behind locks nothing. When the file is removed, the
 * folder is locked again; when another process was faster, this one ends with code 1.
 */
export function exclusive(folder: string): Middleware {
  let lock: FolderLock | undefined;
  return {
    name: "FolderLock",
    async starting(broker: ServiceBroker) {
      lock = new FolderLock(folder, broker);
    },
    stopped: async () => lock?.release(),
  };
}

class FolderLock {
  readonly #folder: string;
  readonly #file: string;
  readonly #broker: ServiceBroker;
  readonly #folderIdentity: string;
  #held: Held;
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;
  /** The check before found no file: a folder that is being removed loses its files first, and must not get a new one. */
  #wasMissing = false;
  /** The fault that was logged last. */
  #fault: string | undefined;

  constructor(folder: string, broker: ServiceBroker) {
    [this.#folder, this.#file, this.#broker] = [folder, join(folder, "lock"), broker];
    this.#held = lockFolder(folder);
    this.#folderIdentity = identityOf(folder);
    this.#checkLater();
  }

  release(): void {
    this.#isReleased = true;
    clearTimeout(this.#timer);
    this.#held.connection.close();
  }

  #checkLater(): void {
    const check = () => void this.#check().finally(() => this.#isReleased || this.#checkLater());
    this.#timer = setTimeout(check, checkIntervalMs).unref();
  }

  async #check(): Promise<void> {
    // Asynchronous: a network drive that hangs must not stop the process.
    const [folder, file] = await Promise.all([
      findIdentity(this.#folder),
      findIdentity(this.#file),
    ]);
    // While the folder is away, or another is in its place, the databases serve nothing (Database.open).
    const isInPlace = folder === this.#folderIdentity && file !== "unknown";
    const isFirstMiss = file === "none" && !this.#wasMissing;
    this.#wasMissing = file === "none";
    if (this.#isReleased || !isInPlace || file === this.#held.identity || isFirstMiss) return;
    this.#lockAgain();
  }

  #lockAgain(): void {
    try {
      const held = lockFolder(this.#folder);
      this.#held.connection.close();
      this.#held = held;
      this.#fault = undefined;
      this.#broker.logger.warn(`${this.#file} was removed or replaced. It is locked again.`);
    } catch (error) {
      if (error instanceof InUse) return this.#end();
      const { message } = error as Error;
      if (message !== this.#fault) this.#broker.logger.error(message);
      this.#fault = message;
    }
  }

  /** At once: the other process has the data now. */
  #end(): never {
    this.#broker.logger.fatal(
      `${this.#file} was removed or replaced, and another Souk process has locked ${this.#folder} since: this process ends.`,
    );
    process.exit(1);
  }
}

interface Held {
  connection: DatabaseSync;
  /** Of the file. The open connection keeps its number from being used again. */
  identity: string;
}

class InUse extends Error {}

/** Holds until the connection is closed. Throws one sentence. */
function lockFolder(folder: string): Held {
  const file = join(folder, "lock");
  let connection: DatabaseSync | undefined;
  try {
    makeFile(file);
    const identity = identityOf(file);
    connection = new DatabaseSync(file);
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    if (identityOf(file) !== identity) throw new Error("it was replaced");
    return { connection, identity };
  } catch (error) {
    connection?.close();
    const { errcode, message } = error as Error & { errcode?: number };
    if (errcode !== busyCode)
      throw new Error(`${file} cannot be locked: ${message}.`, { cause: error });
    throw new InUse(
      `${folder} is in use by another Souk process. Stop that process, or set DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}

const format = ({ dev, ino }: { dev: number; ino: number }) => `${dev}:${ino}`;

/** "unknown" when it cannot be read now. */
const findIdentity = (path: string): Promise<string> =>
  stat(path).then(format, ({ code }: NodeJS.ErrnoException) =>
    code === "ENOENT" ? "none" : "unknown",
  );
