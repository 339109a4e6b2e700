import type { Service } from "moleculer";
import { refusal } from "../../broker/refusal.ts";
import {
  DuplicateKey,
  type Adapter,
  type Collection,
  type Find,
  type Query,
  type Stored,
  type Update,
} from "../store.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { OperationQueue } from "./operation-queue.ts";
import type { Failure, Operation } from "./operations.ts";
import { openDatabase, release, send } from "./thread.ts";
import type { Reply } from "./worker.ts";

/** Every call ends within this time. */
const operationTimeoutMs = 2800;
/** The time between two attempts to start the databases' thread again. */
const restartDelayMs = 250;

/**
 * A moleculer-db adapter on one SQLite file. A write is acknowledged after its transaction is on the disk. While a
 * transaction runs, operations wait and then share the next one (group commit).
 */
export class SqliteStore implements Adapter {
  readonly file: string;
  readonly layout: Layout;
  readonly #queue = new OperationQueue();
  #service?: Service;
  /** Its number in the databases' thread. */
  #database = 0;
  /** The file that was opened first. After the thread's end, no other is. */
  #identity?: string;
  /** "lost" after the thread died, until it has opened the file again. */
  #state: "open" | "lost" | "closing" | "closed" = "closed";
  #ending: Promise<void> | undefined;
  #opening = Promise.withResolvers<undefined>();
  #closing = Promise.withResolvers<undefined>();
  /** The cause of the outage that was logged last. */
  #outage: string | undefined;

  constructor(file: string, collection: Collection) {
    [this.file, this.layout] = [file, layoutOf(collection)];
  }

  /** moleculer-db calls it with the service that the adapter belongs to. */
  init(_broker: unknown, service: Service): void {
    this.#service = service;
  }

  /** Rejects with one sentence when the file cannot be used. */
  async connect(): Promise<void> {
    this.#identity = undefined;
    await this.#open();
  }

  /** Refuses new operations, and finishes those that wait. */
  async disconnect(): Promise<void> {
    if (this.#state === "closed") return;
    await (this.#ending ??= this.#close().finally(() => (this.#ending = undefined)));
  }

  async #close(): Promise<void> {
    const wasOpen = this.#state === "open";
    this.#state = "closing";
    // A mass update may go on after its timeout, which no longer keeps the process alive.
    const alive = setInterval(() => {}, 60_000);
    await this.#queue.whenIdle().finally(() => clearInterval(alive));
    this.#closing = Promise.withResolvers();
    if (wasOpen) send({ type: "close", database: this.#database });
    else this.#closing.resolve(undefined);
    await this.#closing.promise;
    this.#state = "closed";
    await release(this.#database);
  }

  /** One process, one clock. */
  now(): number {
    return Date.now();
  }

  skew(): number {
    return 0;
  }

  async insert(doc: Stored): Promise<Stored> {
    await this.#ask({ type: "insert", doc });
    return JSON.parse(JSON.stringify(doc)) as Stored;
  }

  async findOne(query: Query): Promise<Stored | null> {
    const [found] = await this.find({ query, limit: 1 });
    return found ?? null;
  }

  find({ query, sort, limit }: Find): Promise<Stored[]> {
    return this.#ask({ type: "find", query, sort, limit });
  }

  count({ query }: { query: Query }): Promise<number> {
    return this.#ask({ type: "count", query });
  }

  updateOne(query: Query, update: Update): Promise<Stored | null> {
    return this.#ask({ type: "updateOne", query, update });
  }

  updateMany(query: Query, update: Update): Promise<number> {
    return this.#ask({ type: "updateMany", query, update });
  }

  removeOne(query: Query): Promise<Stored | null> {
    return this.#ask({ type: "removeOne", query });
  }

  ping(): Promise<void> {
    return this.#ask({ type: "ping" });
  }

  /** Documents have their id in `_id`, here and in the services. */
  beforeSaveTransformID = <Doc>(doc: Doc): Doc => doc;
  afterRetrieveTransformID = <Doc>(doc: Doc): Doc => doc;
  entityToObject = <Doc>(doc: Doc): Doc => doc;

  async #open(): Promise<void> {
    this.#opening = Promise.withResolvers();
    this.#database = openDatabase(
      { file: this.file, layout: this.layout, identity: this.#identity },
      { onReply: (reply) => this.#onReply(reply), onEnd: () => this.#onEnd() },
    );
    try {
      await this.#opening.promise;
      this.#state = "open";
    } catch (error) {
      await release(this.#database);
      throw error;
    }
  }

  #ask<Result>(operation: Operation): Promise<Result> {
    if (this.#state !== "open") return Promise.reject(refusal("UNAVAILABLE"));
    const asked = this.#queue.add<Result>(operation, operationTimeoutMs, () =>
      this.#unavailable(`no answer within ${operationTimeoutMs} ms`),
    );
    this.#sendNext();
    return asked;
  }

  #sendNext(): void {
    const batch = this.#queue.take();
    if (batch) send({ type: "run", database: this.#database, ...batch });
  }

  #onReply(reply: Reply): void {
    if (reply.type === "answers") {
      this.#queue.settle(reply.answers, reply.isBatchDone, (failure) => this.#errorOf(failure));
      if (reply.isUsable) this.#reportRecovery();
      return this.#sendNext();
    }
    this.#identity ??= reply.identity;
    const ended = reply.type === "opened" ? this.#opening : this.#closing;
    if (reply.error === undefined || reply.type === "closed") ended.resolve(undefined);
    else ended.reject(new Error(`${this.file} cannot be used as a database: ${reply.error}.`));
  }

  #errorOf(failure: Failure): Error {
    if (failure.type === "duplicate") return new DuplicateKey(failure.fields);
    if (failure.type === "late") return refusal("UNAVAILABLE");
    return failure.type === "invalid"
      ? new Error(failure.message)
      : this.#unavailable(failure.message);
  }

  /** The thread died: what it had may be done or not. It is started again. */
  #onEnd(): void {
    const cause = "the thread of the databases ended";
    this.#opening.reject(new Error(`${this.file} cannot be used as a database: ${cause}.`));
    this.#closing.resolve(undefined);
    if (this.#state === "closing") return this.#queue.rejectAll(() => refusal("UNAVAILABLE"));
    if (this.#state !== "open") return;
    this.#state = "lost";
    this.#queue.rejectAll(() => this.#unavailable(cause));
    void release(this.#database);
    this.#restartLater();
  }

  #restartLater(): void {
    const restart = () => {
      if (this.#state === "lost") this.#open().catch(() => this.#restartLater());
    };
    setTimeout(restart, restartDelayMs).unref();
  }

  /** The error of a call in an outage, whose first cause is logged. */
  #unavailable(cause: string): Error {
    if (this.#outage !== cause && this.#state !== "closed")
      this.#service?.logger.error(`${this.file} is unavailable: ${cause}.`);
    this.#outage = cause;
    return refusal("UNAVAILABLE");
  }

  #reportRecovery(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#service?.logger.info(`${this.file} is available again.`);
  }
}
