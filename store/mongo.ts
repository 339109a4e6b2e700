import {
  MongoBulkWriteError,
  MongoClient,
  MongoServerError,
  type Collection as MongoCollection,
  type MongoClientOptions,
} from "mongodb";
import MongoAdapter from "moleculer-db-adapter-mongo";
import type { Service, ServiceBroker } from "moleculer";
import pLimit from "p-limit";
import { setTimeout as pause } from "node:timers/promises";
import { refusal } from "../broker/refusal.ts";
import { batched } from "./group-commit.ts";
import {
  DuplicateKey,
  type Adapter,
  type Collection,
  type Query,
  type Stored,
  type Update,
} from "./store.ts";

/** The base was written for the driver of 2019: of it remain the lifecycle, the cursors and the sort. */
const Base = MongoAdapter as unknown as new (url: string) => {
  broker: ServiceBroker;
  service?: Service;
  createCursor(
    filters: object,
    isCounting: false,
  ): { maxTimeMS(ms: number): { toArray(): Promise<Stored[]> } };
  createCursor(filters: object, isCounting: true): Promise<number>;
};

/** How the driver behaves unless the URL says otherwise. */
const defaults = {
  // An acknowledged write is in the journals of a majority: without `journal` a crash takes up to 100 ms of them along.
  w: "majority",
  journal: true,
  // An item that reads as sold stays sold, whichever server fails next. It costs nothing: a majority read waits for nobody.
  readConcernLevel: "majority",
  // Of a call that begins while no server is to be found: answered within 1 s, also when the driver tries it twice.
  serverSelectionTimeoutMS: 500,
  // Servers are asked how they are every 500 ms, and a return is noticed as soon. One that does not answer for 2 s is frozen, and what
  // waits for it is cut off.
  heartbeatFrequencyMS: 500,
  connectTimeoutMS: 1500,
  // More connections only make the database's own queue longer.
  maxPoolSize: 50,
  waitQueueTimeoutMS: 2500,
  // The driver sends a write again only where the server knows it by number (replica sets), so never twice. A standalone server does
  // not: there a write that was cut off is UNAVAILABLE, and its caller repeats it.
  retryWrites: true,
} satisfies MongoClientOptions;

/** Every call ends by then (ms), whatever the driver waits for; a read that nobody waits for any more ends in the server too. */
const deadline = 2800;
/** How long a call waits for the first connection (ms). */
const patience = 900;
/** Of documents that are tried again alone, so many at a time. */
const insertsAtOnce = 20;
/** How often calls that fail while the server seems well are told of (ms). */
const tellEvery = 10_000;

/** "opening": nobody knows yet whether it answers, and calls wait for that; "away": it does not, and they are refused. */
type State = "opening" | "ready" | "away" | "closed";

/** moleculer-db-adapter-mongo on today's driver: starts without its server, refuses quickly while that is away, mends itself. */
export class MongoStore extends Base implements Adapter {
  /** For tests that read query plans. */
  readonly collection: MongoCollection<Stored>;
  private readonly client: MongoClient;
  private readonly what: Collection;
  private readonly place: string;
  /** Servers that failed their last heartbeat. */
  private readonly failing = new Set<string>();
  private state: State = "opening";
  private turn = Promise.withResolvers();
  private isPreparing = false;
  private isTold = false;

  constructor(url: string, what: Collection) {
    super(url);
    this.what = what;
    this.client = new MongoClient(url, withoutThoseOf(url));
    const db = this.client.db();
    this.collection = db.collection<Stored>(what.name);
    this.place = `MongoDB at ${this.client.options.hosts.join(",") || this.client.options.srvHost} (${db.databaseName}.${what.name})`;
    // A heartbeat's connectionId is the server's address.
    this.client.on("serverHeartbeatSucceeded", ({ connectionId }) =>
      this.failing.delete(connectionId),
    );
    this.client.on("serverHeartbeatFailed", ({ connectionId, failure }) =>
      this.heartbeatFailed(connectionId, failure),
    );
  }

  /** In place of the base's, which asks the service's schema for the collection's name. */
  init(broker: ServiceBroker, service: Service): void {
    this.broker = broker;
    this.service = service;
  }

  /** Does not wait for the server. */
  async connect(): Promise<void> {
    void this.prepare();
  }

  async disconnect(): Promise<void> {
    this.enter("closed");
    await this.client.close();
  }

  async insert(doc: Stored): Promise<Stored> {
    return this.use(() => this.inserted(doc));
  }

  private readonly inserted = batched(async (docs: Stored[]) => {
    const failures = await this.insertAll(docs);
    return (doc: Stored) => {
      if (failures.has(doc)) throw failures.get(doc);
      return doc;
    };
  });

  /** What failed, and why. Of a batch the driver does not say which index refused a document: it is tried again alone. */
  private async insertAll(docs: Stored[]): Promise<Map<Stored, unknown>> {
    const failures = new Map<Stored, unknown>();
    const alone = docs.length === 1 ? docs : await this.refusedOf(docs);
    await pLimit(insertsAtOnce).map(alone, (doc) =>
      within(deadline, this.collection.insertOne(doc)).catch((error: unknown) =>
        failures.set(doc, error),
      ),
    );
    return failures;
  }

  private async refusedOf(docs: Stored[]): Promise<Stored[]> {
    try {
      await within(deadline, this.collection.insertMany(docs, { ordered: false }));
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
    return this.use(
      () => this.collection.findOne(query, { maxTimeMS: deadline }) as Promise<Stored | null>,
    );
  }

  find(filters: { query: Query; sort?: string[]; limit?: number }): Promise<Stored[]> {
    return this.use(() => this.createCursor(filters, false).maxTimeMS(deadline).toArray());
  }

  count(filters: { query: Query }): Promise<number> {
    return this.use(() => this.createCursor(filters, true));
  }

  async updateMany(query: Query, update: Update): Promise<number> {
    return (await this.use(() => this.collection.updateMany(query, update))).matchedCount;
  }

  updateOne(query: Query, update: Update): Promise<Stored | null> {
    return this.use(
      () =>
        this.collection.findOneAndUpdate(query, update, {
          returnDocument: "after",
        }) as Promise<Stored | null>,
    );
  }

  removeOne(query: Query): Promise<Stored | null> {
    return this.use(() => this.collection.findOneAndDelete(query) as Promise<Stored | null>);
  }

  async ping(): Promise<void> {
    await this.use(() => this.client.db().command({ ping: 1 }));
  }

  private async use<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await within(deadline, this.whenReady(operation));
    } catch (error) {
      throw this.translated(error);
    }
  }

  /** No operation passes before the indexes are there: without the unique ones two inserts could win. */
  private async whenReady<T>(operation: () => Promise<T>): Promise<T> {
    if (this.state === "opening") await within(patience, this.turn.promise);
    if (this.state !== "ready") throw refusal("UNAVAILABLE");
    return operation();
  }

  private translated(error: unknown): unknown {
    if (error instanceof MongoServerError && error.code === 11000)
      return new DuplicateKey(Object.keys(error.keyPattern as object).join(","));
    if (!isOutage(error)) return error;
    // Under too many calls, making sure of the indexes would only be one more.
    if (!isBusy(error)) this.doubt();
    this.tell(error);
    return refusal("UNAVAILABLE");
  }

  private enter(state: State): void {
    this.state = state;
    this.turn.resolve(undefined);
    this.turn = Promise.withResolvers();
    if (state !== "ready" || !this.isTold) return;
    this.isTold = false;
    this.service?.logger.info(`${this.place} answers again`);
  }

  /** Without a server that answers there is nothing to wait for. */
  private heartbeatFailed(address: string, failure: Error): void {
    this.failing.add(address);
    if (this.state === "closed" || this.failing.size < this.client.options.hosts.length) return;
    this.tell(failure);
    this.enter("away");
    void this.prepare();
  }

  /** A call found no server: what answers next may be another server, or the same with another database. */
  private doubt(): void {
    if (this.state !== "ready") return;
    this.enter("opening");
    void this.prepare();
  }

  /** Connects and makes the indexes, again and again until both is done. */
  private async prepare(): Promise<void> {
    if (this.isPreparing) return;
    this.isPreparing = true;
    while (this.state === "opening" || this.state === "away") {
      try {
        await this.client.connect();
        await this.ensureIndexes();
        if (!this.isClosed()) this.enter("ready");
      } catch (error) {
        if (this.isClosed()) break;
        this.tell(error as Error);
        this.enter("away");
        await pause(250, undefined, { ref: false });
      }
    }
    this.isPreparing = false;
  }

  private isClosed(): boolean {
    return this.state === "closed";
  }

  private async ensureIndexes(): Promise<void> {
    if (this.what.indexes.length === 0) return void (await this.client.db().command({ ping: 1 }));
    await this.collection.createIndexes(
      this.what.indexes.map(({ fields, unique, sparse, partial }) => ({
        key: Object.fromEntries(fields.map((field) => [field, 1])),
        ...(unique && { unique }),
        ...(sparse && { sparse }),
        ...(partial && { partialFilterExpression: { [partial]: { $exists: true } } }),
      })),
    );
  }

  /** Once an outage; of single calls that end too late, once in a while. */
  private tell(cause: Error): void {
    if (this.isTold || this.state === "closed") return;
    this.isTold = true;
    if (this.state === "ready") setTimeout(() => (this.isTold = false), tellEvery).unref();
    this.service?.logger.warn(`${this.place} cannot be used: ${cause.message}`);
  }
}

/** What the URL says itself is left to it: options that are given to the driver would win over the URL's. */
function withoutThoseOf(url: string): MongoClientOptions {
  const given = new Set(
    [...new URLSearchParams(url.split("?")[1] ?? "").keys()].map((key) => key.toLowerCase()),
  );
  return Object.fromEntries(
    Object.entries(defaults).filter(([key]) => !given.has(key.toLowerCase())),
  );
}

class Late extends Error {}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Late(`no answer within ${ms} ms`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The driver's own errors of a server that is not to be reached, and the codes of one that will not or cannot serve now. */
const driverErrors = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoPoolClearedError",
  "MongoPoolClosedError",
  "PoolClearedOnNetworkError",
  "MongoNotConnectedError",
  "MongoTopologyClosedError",
  "MongoServerClosedError",
  "MongoClientClosedError",
  "MongoExpiredSessionError",
  "MongoWriteConcernError",
  // Of a batch, whatever cut it off. One that was refused does not come this far.
  "MongoBulkWriteError",
]);
/** Unauthorised, shutting down, not (any more) the primary, no majority, and network errors between servers. */
const serverCodes = new Set([
  6, 7, 13, 18, 50, 64, 89, 91, 100, 112, 133, 134, 189, 202, 262, 9001, 10058, 10107, 11600, 11601,
  11602, 13435, 13436,
]);

const isBusy = (error: unknown) =>
  error instanceof Late || (error as Error).name === "MongoWaitQueueTimeoutError";

function isOutage(error: unknown): error is Error {
  if (isBusy(error)) return true;
  const { name = "", code, syscall } = error as { name?: string; code?: unknown; syscall?: string };
  // What writing to a connection that has just been cut throws, the driver passes on as it is.
  const isOfSocket = syscall !== undefined;
  return (
    isOfSocket ||
    driverErrors.has(name) ||
    (error instanceof MongoServerError && serverCodes.has(Number(code)))
  );
}
