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
import { encode, type Failure, type Operation, type Outcome } from "./operations.ts";
import { openDatabase, release, send } from "./thread.ts";
import type { Reply } from "./worker.ts";

/** Every call ends within this time. */
const operationTimeoutMs = 2800;
/** Operations in one transaction. */
const maxBatch = 200;
/** The shortest time between two attempts to start the databases' thread again. */
const restartDelayMs = 250;

interface Pending {
  operation: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A moleculer-db adapter on one SQLite file. A write is acknowledged after its transaction is on the disk. While a
 * transaction runs, operations wait and then share the next one (group commit).
 */
export class SqliteStore implements Adapter {
  readonly #file: string;
  readonly #layout: Layout;
  #service?: Service;
  #database = 0;
  #state: "open" | "lost" | "closed" = "closed";
  #opening = Promise.withResolvers<undefined>();
  #closing = Promise.withResolvers<undefined>();
  /** Operations that wait for the next transaction. */
  #queue: Pending[] = [];
  /** Operations that the thread has, by id. */
  readonly #running = new Map<number, Pending>();
  #isBatchRunning = false;
  #nextId = 0;
  #outage: string | undefined;

  constructor(file: string, collection: Collection) {
    [this.#file, this.#layout] = [file, layoutOf(collection)];
  }

  /** moleculer-db calls it with the service that the adapter belongs to. */
  init(_broker: unknown, service: Service): void {
    this.#service = service;
  }

  /** Rejects with one sentence when the file cannot be used. */
  async connect(): Promise<void> {
    await this.#open({ create: true });
    this.#state = "open";
  }

  /** Finishes the operations that wait. */
  async disconnect(): Promise<void> {
    if (this.#state === "closed") return;
    await this.#settled();
    const isOpen = this.#state === "open";
    this.#state = "closed";
    this.#closing = Promise.withResolvers();
    if (isOpen) send({ type: "close", database: this.#database });
    else this.#closing.resolve(undefined);
    await this.#closing.promise;
    await release(this.#database);
  }

  async insert(doc: Stored): Promise<Stored> {
    await this.#ask({ type: "insert", doc });
    return structuredClone(doc);
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

  async #open({ create }: { create: boolean }): Promise<void> {
    this.#opening = Promise.withResolvers();
    this.#database = openDatabase(
      { file: this.#file, layout: this.#layout, create },
      { onReply: (reply) => this.#onReply(reply), onEnd: () => this.#onEnd() },
    );
    await this.#opening.promise;
  }

  #ask<Result>(operation: Operation): Promise<Result> {
    if (this.#state !== "open") return Promise.reject(refusal("UNAVAILABLE"));
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        // The text is made now: the caller may change its objects.
        operation: encode(operation),
        resolve: (result) => (clearTimeout(timer), resolve(result as Result)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      };
      const timer = setTimeout(() => this.#giveUp(pending), operationTimeoutMs);
      this.#queue.push(pending);
      this.#runNext();
    });
  }

  #giveUp(pending: Pending): void {
    const place = this.#queue.indexOf(pending);
    if (place >= 0) this.#queue.splice(place, 1);
    this.#reportOutage(`no answer within ${operationTimeoutMs} ms`);
    pending.reject(refusal("UNAVAILABLE"));
  }

  /** One transaction at a time: what arrives meanwhile shares the next one. */
  #runNext(): void {
    if (this.#isBatchRunning || this.#queue.length === 0 || this.#state !== "open") return;
    this.#isBatchRunning = true;
    const batch = this.#queue.splice(0, maxBatch);
    const firstId = this.#nextId;
    this.#nextId += batch.length;
    batch.forEach((pending, n) => this.#running.set(firstId + n, pending));
    const operations = batch.map(({ operation }) => operation);
    send({ type: "run", database: this.#database, firstId, operations });
  }

  #onReply(reply: Reply): void {
    if (reply.type === "answers") {
      for (const [id, outcome] of JSON.parse(reply.answers) as [number, Parsed][])
        this.#settle(id, outcome);
      if (reply.isBatchDone) this.#isBatchRunning = false;
      return this.#runNext();
    }
    const ended = reply.type === "opened" ? this.#opening : this.#closing;
    if (reply.error === undefined || reply.type === "closed") ended.resolve(undefined);
    else ended.reject(new Error(`${this.#file} cannot be used as a database: ${reply.error}.`));
  }

  #settle(id: number, outcome: Parsed): void {
    const pending = this.#running.get(id);
    this.#running.delete(id);
    if (!pending) return;
    if ("failure" in outcome) return pending.reject(this.#errorOf(outcome.failure));
    this.#reportRecovery();
    pending.resolve(outcome.result);
  }

  #errorOf(failure: Failure): Error {
    if (failure.type === "duplicate") return new DuplicateKey(failure.fields);
    if (failure.type === "invalid") return new Error(failure.message);
    this.#reportOutage(failure.message);
    return refusal("UNAVAILABLE");
  }

  /** The thread died: what ran may have been done or not. It is started again. */
  #onEnd(): void {
    this.#opening.reject(
      new Error(`${this.#file} cannot be used: the thread of the databases ended.`),
    );
    this.#opening.promise.catch(() => {});
    this.#closing.resolve(undefined);
    this.#isBatchRunning = false;
    const lost = [...this.#running.values(), ...this.#queue];
    this.#running.clear();
    this.#queue = [];
    if (this.#state === "open") this.#state = "lost";
    if (this.#state === "lost") this.#restart();
    this.#reportOutage("the thread of the databases ended");
    for (const { reject } of lost) reject(refusal("UNAVAILABLE"));
  }

  #restart(): void {
    const timer = setTimeout(() => {
      if (this.#state !== "lost") return;
      void release(this.#database);
      this.#open({ create: false }).then(
        () => (this.#state = "open"),
        () => this.#restart(),
      );
    }, restartDelayMs);
    timer.unref();
  }

  async #settled(): Promise<void> {
    const all = [...this.#running.values(), ...this.#queue];
    await Promise.all(
      all.map(
        (pending) =>
          new Promise<void>((resolve) => {
            const [done, failed] = [pending.resolve, pending.reject];
            pending.resolve = (result) => (done(result), resolve());
            pending.reject = (error) => (failed(error), resolve());
          }),
      ),
    );
  }

  /** Logs the first failure of an outage. */
  #reportOutage(cause: string): void {
    if (this.#outage === cause || this.#state === "closed") return;
    this.#outage = cause;
    this.#service?.logger.error(`${this.#file} is unavailable: ${cause}.`);
  }

  #reportRecovery(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#service?.logger.info(`${this.#file} is available again.`);
  }
}

/** An outcome whose result is parsed. */
type Parsed = { result: unknown } | Extract<Outcome, { failure: unknown }>;
