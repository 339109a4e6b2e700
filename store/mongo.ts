import {
  MongoBulkWriteError,
  MongoServerError,
  type Collection as MongoCollection,
  type FindCursor,
} from "mongodb";
import MongoAdapter from "moleculer-db-adapter-mongo";
import type { Service } from "moleculer";
import pLimit from "p-limit";
import { batched } from "./group-commit.ts";
import { MongoConnection } from "./mongo-connection.ts";
import { isOutage, withTimeout } from "./mongo-errors.ts";
import { toMongoIndex } from "./mongo-indexes.ts";
import { watchPool } from "./mongo-pool.ts";
import { find, searchOf } from "./mongo-search.ts";
import { refusal } from "../broker/refusal.ts";
import {
  DuplicateKey,
  type Adapter,
  type Collection,
  type Connections,
  type Find,
  type Query,
  type Stored,
  type Update,
} from "./store.ts";

/** The part of the library's adapter that works with today's driver. Its own types are those of the driver of 2019. */
const Base = MongoAdapter as unknown as new (url: string) => {
  service?: Service;
  init(broker: object, service: object): void;
  find(params: Find): Promise<Stored[]>;
  count(params: { query: Query }): Promise<number>;
  createCursor(params: object, isCounting: boolean): unknown;
};

/** Every call ends within this time. */
const operationTimeoutMs = 2800;
/** The server itself ends an operation that takes longer, before the driver closes the connection (socketTimeoutMS). */
const maxTimeMS = 2300;
const upsert = { upsert: true, maxTimeMS };
/** Concurrent single inserts of documents that a batch refused. */
const insertConcurrency = 20;

/** moleculer-db-adapter-mongo on today's driver, with conditional writes, timeouts and refusal during an outage. */
export class MongoStore extends Base implements Adapter {
  /** The library's adapter works on it; tests read query plans from it. */
  readonly collection: MongoCollection<Stored>;
  private readonly definition: Collection;
  private readonly connection: MongoConnection;

  /** `database` is its name; without it, the one that the URL names. */
  constructor(url: string, definition: Collection, database?: string) {
    super(url);
    this.definition = definition;
    this.connection = new MongoConnection(url, {
      database,
      collection: definition.name,
      prepare: () => this.ensureIndexes(),
      log: (level, message) => this.service?.logger[level](message),
    });
    this.collection = this.connection.database.collection<Stored>(definition.name);
  }

  /** By the server's clock if this node's own is wrong. */
  now(): number {
    return this.connection.clock.now();
  }

  skew(): number {
    return this.connection.clock.skew();
  }

  /** Does not wait for the server. */
  async connect(): Promise<void> {
    this.connection.open();
  }

  disconnect(): Promise<void> {
    return this.connection.close();
  }

  async insert(doc: Stored): Promise<Stored> {
    return this.use(() => this.insertBatched(doc));
  }

  private readonly insertBatched = batched(async (docs: Stored[]) => {
    const failures = await this.insertAll(docs);
    return (doc: Stored) => {
      if (failures.has(doc)) throw failures.get(doc);
      return doc;
    };
  });

  /** Resolves with the error of each document that failed. A batch does not name the index that refused a document: a single insert does. */
  private async insertAll(docs: Stored[]): Promise<Map<Stored, unknown>> {
    const failures = new Map<Stored, unknown>();
    const single = docs.length === 1 ? docs : await this.refusedOf(docs);
    await pLimit(insertConcurrency).map(single, (doc) =>
      withTimeout(operationTimeoutMs, this.collection.insertOne(doc, { maxTimeMS })).catch(
        (error: unknown) => failures.set(doc, error),
      ),
    );
    return failures;
  }

  private async refusedOf(docs: Stored[]): Promise<Stored[]> {
    try {
      await withTimeout(
        operationTimeoutMs,
        this.collection.insertMany(docs, { ordered: false, maxTimeMS }),
      );
      return [];
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError())
        throw error;
      const refused = [error.writeErrors].flat().map(({ index }) => docs[index]!);
      if (refused.length === 0) throw error;
      return refused;
    }
  }

  findOne(query: Query): Promise<Stored | null> {
    return this.use(() => this.collection.findOne(query, { maxTimeMS }) as Promise<Stored | null>);
  }

  override find(params: Find): Promise<Stored[]> {
    const { query, sort = [], limit, onEarlyEnd } = params;
    const search = onEarlyEnd && limit !== undefined && searchOf(query, sort, limit);
    if (!search) return this.use(() => super.find(params));
    return this.use(async () => {
      const read = (query: Query) => super.find({ query, sort, limit });
      const { rows, reached } = await find(this.collection, search, maxTimeMS, read);
      if (reached) onEarlyEnd(reached);
      return rows;
    });
  }

  override count({ query, limit }: { query: Query; limit?: number }): Promise<number> {
    const options = { maxTimeMS, ...(limit !== undefined && { limit }) };
    return this.use(() => this.collection.countDocuments(query, options));
  }

  override createCursor(params: object, isCounting: boolean): unknown {
    const cursor = super.createCursor(params, isCounting);
    return isCounting ? cursor : (cursor as FindCursor).maxTimeMS(maxTimeMS);
  }

  async updateMany(query: Query, update: Update): Promise<number> {
    return (await this.use(() => this.collection.updateMany(query, update, { maxTimeMS })))
      .matchedCount;
  }

  updateOne(query: Query, update: Update): Promise<Stored | null> {
    return this.use(
      () =>
        this.collection.findOneAndUpdate(query, update, {
          returnDocument: "after",
          maxTimeMS,
        }) as Promise<Stored | null>,
    );
  }

  removeOne(query: Query): Promise<Stored | null> {
    return this.use(
      () => this.collection.findOneAndDelete(query, { maxTimeMS }) as Promise<Stored | null>,
    );
  }

  /** A document that no longer matches when it is to be removed stays. */
  async removeMany(query: Query, limit: number): Promise<number> {
    const found = await this.use(() =>
      this.collection.find(query, { projection: { _id: 1 }, limit, maxTimeMS }).toArray(),
    );
    if (found.length === 0) return 0;
    const matching = { $and: [{ _id: { $in: found.map(({ _id }) => _id) } }, query] };
    return (await this.use(() => this.collection.deleteMany(matching, { maxTimeMS }))).deletedCount;
  }

  /** A write, because a server may answer and accept none: without a majority, or with a full disk. */
  async ping(): Promise<void> {
    await this.use(() =>
      this.connection.database
        .collection("health")
        .updateOne({ collection: this.definition.name }, { $inc: { checks: 1 } }, upsert),
    );
  }

  connections(): () => Connections {
    return watchPool(this.connection.client);
  }

  get fault(): string | undefined {
    return this.connection.isClosed ? "is closed" : undefined;
  }

  /** No operation passes before the indexes exist: without the unique ones two inserts could win. */
  private async use<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await withTimeout(operationTimeoutMs, this.connection.whenReady().then(operation));
    } catch (error) {
      throw this.translated(error);
    }
  }

  private translated(error: unknown): unknown {
    if (error instanceof MongoServerError && error.code === 11000)
      return new DuplicateKey(Object.keys(error.keyPattern as object).join(","));
    if (!isOutage(error)) return error;
    this.connection.reportOutage(error);
    return refusal("UNAVAILABLE");
  }

  private async ensureIndexes(): Promise<unknown> {
    const { indexes } = this.definition;
    if (indexes.length === 0) return this.connection.database.command({ ping: 1 });
    return this.collection.createIndexes(indexes.map(toMongoIndex));
  }
}
