/** One collection in one SQLite file, used by one thread: its documents are written durably, many by one transaction. */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { identityOf } from "../../broker/folder.ts";
import { checkIdentity, createFile, syncLog, type Known } from "./file.ts";
import type { Layout } from "./layout.ts";
import type { Failure, Outcome } from "./operations.ts";
import { CorruptRow } from "./row.ts";
import { checkFile, ensureSchema, pragma } from "./schema.ts";
import { Table } from "./table.ts";
import { isPing, isRead, read, write, type Unfinished, type Work } from "./turn.ts";

/** How long another process may hold the file (ms): the databases of the other services wait as long. */
const busyTimeout = 50;
/** The shortest time between two writes of pings, while no operation fails (ms). */
const pingIntervalMs = 1000;

const settings = `
  PRAGMA cell_size_check = ON;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -8000;
  PRAGMA journal_size_limit = 67108864;
`;

export class Database {
  readonly #file: string;
  readonly #layout: Layout;
  #db: DatabaseSync | undefined;
  #table: Table | undefined;
  #control: Control | undefined;
  /** The file and its log as they were when they were opened. */
  #opened: string[] = [];
  /** The file that this database had from the beginning. */
  #identity: string | undefined;
  /** Keeps that file's number from being given to another file, while the file is gone and closed. */
  #handle: number | undefined;
  /** When a ping last wrote, by performance.now(). */
  #pingedAt = -Infinity;

  constructor(file: string, layout: Layout) {
    [this.#file, this.#layout] = [file, layout];
  }

  get isOpen(): boolean {
    return this.#db !== undefined;
  }

  /**
   * Opens the file. The first time it is made if there is none; later, and when something is `known` of it from before, only the
   * same file is opened. Returns its identity. Throws what is wrong with it, as the end of a sentence.
   */
  open(known: Known | undefined = this.#identity): string {
    try {
      if (known === undefined) createFile(this.#file);
      else checkIdentity(this.#file, known);
      syncLog(this.#file);
      this.#db = new DatabaseSync(this.#file, { timeout: busyTimeout });
      checkFile(this.#db);
      this.#db.exec(settings);
      ensureSchema(this.#db, this.#layout);
      this.#table = new Table(this.#db, this.#layout);
      this.#control = prepareControl(this.#db);
      this.#opened = this.#identities();
      this.#handle ??= openSync(this.#file, "r");
      return (this.#identity = this.#opened[0]!);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Closes the file for good. */
  end(): void {
    this.close();
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  /** Closes the file. It can be opened again. */
  close(): void {
    try {
      this.#db?.close();
    } catch {
      // A file that was lost under the database cannot take its log.
    }
    this.#db = this.#table = this.#control = undefined;
  }

  /**
   * Runs operations in one transaction. Returns their outcomes, and what remains of a mass update. Throws when the
   * file cannot serve now: then none of the operations was done, or that is unknown.
   */
  run(operations: Work[]): (Outcome | Unfinished)[] {
    const { begin, beginWrite, commit } = this.#control!;
    try {
      (operations.every(isRead) ? begin : beginWrite).run();
      const outcomes = operations.map((operation) => this.#runOne(operation));
      commit.run();
      this.#checkFile();
      return outcomes;
    } catch (error) {
      this.#pingedAt = -Infinity;
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      // After some errors SQLite has rolled back by itself.
      if (this.#db?.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      this.close();
    }
  }

  /** One operation, or one turn of a long one, done wholly or not at all. */
  #runOne(operation: Work): Outcome | Unfinished {
    const { savepoint, release } = this.#control!;
    const isWrite = !isRead(operation) && !isPing(operation);
    if (isWrite) savepoint.run();
    try {
      if (isPing(operation)) return this.#ping();
      if (isRead(operation)) return read(this.#table!, operation);
      const done = write(this.#table!, operation);
      release.run();
      return done;
    } catch (error) {
      const failure = failureOf(error);
      if (!failure) throw error;
      if (isWrite) this.#db!.exec("ROLLBACK TO operation; RELEASE operation");
      return { failure: this.#named(failure, operation) };
    }
  }

  /** Proves that a document can be read and that a write would be committed: it writes the first page as it is. */
  #ping(): Outcome {
    const now = performance.now();
    this.#table!.find({ query: {}, limit: 1 });
    if (now - this.#pingedAt >= pingIntervalMs) {
      this.#control!.touch.run();
      this.#pingedAt = now;
    }
    return { result: "null" };
  }

  /** SQLite names any violated index. Of several, a duplicate `_id` counts first, as in MongoDB. */
  #named(failure: Failure, operation: Work): Failure {
    const isInsert = "type" in operation && operation.type === "insert";
    if (failure.type !== "duplicate" || !isInsert) return failure;
    const hasSameId = this.#table!.count({ _id: operation.doc._id }) > 0;
    return hasSameId ? { ...failure, fields: "_id" } : failure;
  }

  /** A file that was removed or replaced still takes writes, which nobody would ever read. */
  #checkFile(): void {
    if (this.#identities().some((identity, n) => identity !== this.#opened[n]))
      throw new Error("it was removed or replaced");
  }

  #identities(): string[] {
    return [this.#file, `${this.#file}-wal`].map(identityOf);
  }
}

/** The statements that control transactions, prepared: parsing them would cost as much as running them. */
type Control = ReturnType<typeof prepareControl>;

const prepareControl = (db: DatabaseSync) => ({
  begin: db.prepare("BEGIN"),
  beginWrite: db.prepare("BEGIN IMMEDIATE"),
  commit: db.prepare("COMMIT"),
  savepoint: db.prepare("SAVEPOINT operation"),
  release: db.prepare("RELEASE operation"),
  touch: db.prepare(`PRAGMA user_version = ${pragma(db, "user_version")}`),
});

/** SQLite's primary result codes. */
const [corruptCode, constraintCode] = [11, 19];

/** The failure of one operation. Undefined when the database as a whole cannot go on. */
function failureOf(error: unknown): Failure | undefined {
  const {
    code,
    errcode = 0,
    message,
  } = error as { code?: string; errcode?: number; message: string };
  // Errors without a code are thrown by our own translation and updates.
  if (code === undefined) return { type: "invalid", message };
  const primary = code === "ERR_SQLITE_ERROR" ? errcode & 0xff : 0;
  if (primary === constraintCode) return { type: "duplicate", fields: duplicateFields(message) };
  const isCorrupt = primary === corruptCode || error instanceof CorruptRow;
  return isCorrupt ? { type: "unavailable", message } : undefined;
}

/** "UNIQUE constraint failed: items.owner, items.number": owner,number. */
const duplicateFields = (message: string) =>
  message
    .replace(/^.*: /, "")
    .split(", ")
    .map((column) => column.slice(column.indexOf(".") + 1))
    .join(",");
