import type nedb from "@seald-io/nedb";
import DbService from "moleculer-db";
import type { Service } from "moleculer";
import { refusal } from "../broker/refusal.ts";
import { lineEndings, repairFile } from "./nedb-file.ts";
import { duplicateOf, ensureIndexes } from "./nedb-indexes.ts";
import { toNedb } from "./nedb-query.ts";
import type { Adapter, Collection, Find, Query, Stored, Update } from "./store.ts";

type Datastore = nedb.default<Stored>;

/** The library exports its adapter as a property of the service schema, and declares it as a class of another shape. */
const { MemoryAdapter } = DbService as unknown as {
  MemoryAdapter: new (options: object) => {
    db: Datastore;
    service?: Service;
    connect(): Promise<void>;
    insert(doc: Stored): Promise<Stored>;
    findOne(query: Query): Promise<Stored | null>;
    find(params: Find): Promise<Stored[]>;
  };
};

/** The file grows with each write until it is compacted. */
const compactIntervalMs = 10 * 60_000;
/** The shortest time between two attempts to load a file that could not be written. */
const reloadIntervalMs = 1000;

/**
 * moleculer-db's own adapter on a file. An acknowledged write survives the death of the process. One
 * process only. Operations run one at a time, so that none reads between a failed write and the refusal.
 */
export class NedbStore extends MemoryAdapter implements Adapter {
  private readonly file: string;
  private readonly definition: Collection;
  private queue: Promise<unknown> = Promise.resolve();
  private compactTimer?: NodeJS.Timeout;
  /** "open" while memory and file are known to agree. */
  private state: "open" | "failed" | "closed" = "closed";
  private lastLoadAt = 0;

  constructor(file: string, definition: Collection) {
    super({
      filename: file,
      corruptAlertThreshold: 0,
      ...lineEndings,
      modes: { fileMode: 0o600, dirMode: 0o700 },
    });
    this.file = file;
    this.definition = definition;
  }

  /** Rejects with one sentence when the file is broken or cannot be written. */
  override async connect(): Promise<void> {
    await this.enqueue(() => this.load());
    this.state = "open";
    this.compactTimer = setInterval(
      () => void this.enqueue(() => this.compact()),
      compactIntervalMs,
    ).unref();
  }

  /** Finishes pending operations, then compacts the file. */
  async disconnect(): Promise<void> {
    clearInterval(this.compactTimer);
    await this.enqueue(() => this.compact());
    this.state = "closed";
  }

  override insert(doc: Stored): Promise<Stored> {
    return this.use(() => super.insert(doc), doc);
  }

  override findOne(query: Query): Promise<Stored | null> {
    return this.use(() => super.findOne(toNedb(query, this.definition)));
  }

  override find({ query, ...options }: Find): Promise<Stored[]> {
    return this.use(() => super.find({ query: toNedb(query, this.definition), ...options }));
  }

  /** The base would copy every document to count them. */
  count({ query }: { query: Query }): Promise<number> {
    return this.use(() => this.db.countAsync(toNedb(query, this.definition)).execAsync());
  }

  updateOne(query: Query, update: Update): Promise<Stored | null> {
    return this.use(async () => {
      const { affectedDocuments } = await this.db.updateAsync(
        toNedb(query, this.definition),
        update,
        { returnUpdatedDocs: true },
      );
      return (affectedDocuments as Stored | undefined) ?? null;
    }, update.$set);
  }

  updateMany(query: Query, update: Update): Promise<number> {
    return this.use(async () => {
      const selected = toNedb(query, this.definition);
      return (await this.db.updateAsync(selected, update, { multi: true })).numAffected;
    }, update.$set);
  }

  removeOne(query: Query): Promise<Stored | null> {
    return this.use(async () => {
      const found = await super.findOne(toNedb(query, this.definition));
      if (found) await this.db.removeAsync({ _id: found._id }, {});
      return found;
    });
  }

  async ping(): Promise<void> {
    await this.use(async () => {});
  }

  /** `incoming` holds the values that a unique index may refuse. */
  private use<T>(operation: () => Promise<T>, incoming: unknown = {}): Promise<T> {
    return this.enqueue(async () => {
      if (this.state === "failed") await this.reload();
      if (this.state !== "open") throw refusal("UNAVAILABLE");
      try {
        return await operation();
      } catch (error) {
        if (isFileError(error)) throw this.failed(error);
        throw (await duplicateOf(error, incoming as Stored, this.db, this.definition)) ?? error;
      }
    });
  }

  private enqueue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.queue.then(task);
    this.queue = done.catch(() => {});
    return done;
  }

  /** NeDB changes memory before it appends: after a failed append, memory and file differ. */
  private failed(cause: Error): Error {
    this.state = "failed";
    this.lastLoadAt = Date.now();
    this.service?.logger.error(
      `Could not write ${this.file} (${cause.message}). Refusing calls until it can be loaded again.`,
    );
    return refusal("UNAVAILABLE");
  }

  private async reload(): Promise<void> {
    if (Date.now() - this.lastLoadAt < reloadIntervalMs) return;
    this.lastLoadAt = Date.now();
    try {
      await this.load();
      this.state = "open";
      this.service?.logger.info(`Loaded ${this.file} again.`);
    } catch (error) {
      this.service?.logger.debug((error as Error).message);
    }
  }

  private async load(): Promise<void> {
    const warning = await repairFile(this.file);
    if (warning) this.service?.logger.warn(warning);
    try {
      await super.connect();
      await ensureIndexes(this.db, this.definition);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${this.file} cannot be used as a database: ${message}.`, { cause: error });
    }
  }

  /** A failure leaves the file as it was. */
  private async compact(): Promise<void> {
    if (this.state !== "open") return;
    await this.db
      .compactDatafileAsync()
      .catch((error: unknown) =>
        this.service?.logger.warn(`Could not compact ${this.file}: ${error}.`),
      );
  }
}

/** An error of the file system, as opposed to a query or an update that NeDB refuses. */
const isFileError = (error: unknown): error is Error =>
  typeof (error as NodeJS.ErrnoException)?.syscall === "string";
