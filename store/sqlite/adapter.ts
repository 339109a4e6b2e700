import { existsSync } from "node:fs";
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
import { UnfitFile, type Known } from "./file.ts";
import { layoutOf, type Layout } from "./layout.ts";
import { OperationQueue } from "./operation-queue.ts";
import type { Failure, Operation } from "./operations.ts";
import { isThreadStuck, openDatabase, release, send } from "./thread.ts";
import { PlainDocuments } from "./plain-documents.ts";
import type { Reply } from "./worker.ts";

/** Every call ends within this time. */
const operationTimeoutMs = 2800;
/** The time between two attempts to open the file again: the first, and the longest. A damaged file is read as a whole each time. */
const [reopenDelayMs, maxReopenDelayMs] = [250, 4000];

/**
 * A moleculer-db adapter on one SQLite file. A write is acknowledged after its transaction is on the disk. While a
 * transaction runs, operations wait and then share the next one (group commit).
 */
export class SqliteStore extends PlainDocuments implements Adapter {
  readonly file: string;
  readonly layout: Layout;
  readonly #queue = new OperationQueue();
  #service?: Service;
  /** Its number in the databases' thread. */
  #database = 0;
  /** The file that was opened first: no other is opened again. "exists" if none could be opened yet. */
  #known: Known | undefined;
  #fault: string | undefined;
  /** "lost" after a failed start or the thread's death, until the file is opened again. */
  #state: "open" | "lost" | "closing" | "closed" = "closed";
  #ending: Promise<void> | undefined;
  #opening = Promise.withResolvers<undefined>();
  #closing = Promise.withResolvers<undefined>();
  #outage: string | undefined;

  constructor(file: string, collection: Collection) {
    super();
    [this.file, this.layout] = [file, layoutOf(collection)];
  }

  /** moleculer-db calls it with the service that the adapter belongs to. */
  init(_broker: unknown, service: Service): void {
    this.#service = service;
  }

  /** Why it will serve no call in this process any more, in the words that follow "the store". Undefined while it may. */
  get fault(): string | undefined {
    if (this.#state === "closed" || this.#state === "closing") return "is closed";
    return isThreadStuck() ? "waits for a thread that does not answer" : this.#fault;
  }

  /** The outage that was logged last, as a sentence. Undefined while the file is usable, as far as it is known. */
  get outage(): string | undefined {
    return this.#outage;
  }

  /**
   * Rejects with one sentence when the file cannot be made, or is not of this version of Souk. One that is damaged or held by another
   * process is opened when that has changed, and the other services start without it.
   */
  async connect(): Promise<void> {
    this.#known = this.#fault = undefined;
    const existed = existsSync(this.file);
    try {
      await this.#open();
    } catch (error) {
      if (!existed || (error instanceof UnfitFile && error.kind === "foreign")) throw error;
      [this.#state, this.#known] = ["lost", "exists"];
      this.#logOutage((error as Error).message);
      this.#reopenLater();
    }
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
    return (await this.find({ query, limit: 1 }))[0] ?? null;
  }

  async find({ query, sort, limit, onEarlyEnd }: Find): Promise<Stored[]> {
    const found = await this.#ask<Stored[] | { rows: Stored[]; reached: unknown[] }>({
      ...{ type: "find", query, sort, limit, isBounded: onEarlyEnd !== undefined },
    });
    if (Array.isArray(found)) return found;
    onEarlyEnd?.(found.reached);
    return found.rows;
  }

  count({ query, limit }: { query: Query; limit?: number }): Promise<number> {
    return this.#ask({ type: "count", query, limit });
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

  removeMany(query: Query, limit: number): Promise<number> {
    return this.#ask({ type: "removeMany", query, limit });
  }

  ping(): Promise<void> {
    return this.#ask({ type: "ping" });
  }

  async #open(): Promise<void> {
    this.#opening = Promise.withResolvers();
    this.#database = openDatabase(
      { file: this.file, layout: this.layout, known: this.#known },
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
    const late = () => this.#unavailable(`no answer within ${operationTimeoutMs} ms`);
    const asked = this.#queue.add<Result>(operation, operationTimeoutMs, late);
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
    if (reply.type === "closed") return this.#closing.resolve(undefined);
    if (reply.type === "opened") {
      this.#known = reply.identity;
      return this.#opening.resolve(undefined);
    }
    const sentence = `${this.file} cannot be used as a database: ${reply.error}.`;
    this.#opening.reject(reply.kind ? new UnfitFile(reply.kind, sentence) : new Error(sentence));
  }

  #errorOf(failure: Failure): Error {
    if (failure.type === "duplicate") return new DuplicateKey(failure.fields);
    if (failure.type === "late") return refusal("UNAVAILABLE");
    if (failure.type === "invalid") return new Error(failure.message);
    this.#setFault(failure.needsRestart);
    return this.#unavailable(failure.message);
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
    this.#reopenLater();
  }

  #reopenLater(delay = reopenDelayMs): void {
    setTimeout(() => {
      if (this.#state !== "lost") return;
      this.#open().catch((error: unknown) => {
        this.#setFault(error instanceof UnfitFile);
        this.#reopenLater(Math.min(2 * delay, maxReopenDelayMs));
      });
    }, delay).unref();
  }

  #setFault(needsRestart = false): void {
    this.#fault = needsRestart
      ? `finds another file at ${this.file}, which only a restart may use`
      : undefined;
  }

  /** The error of a call in an outage. */
  #unavailable(cause: string): Error {
    if (this.#state !== "closed") this.#logOutage(`${this.file} is unavailable: ${cause}.`);
    return refusal("UNAVAILABLE");
  }

  /** Logs a cause once. */
  #logOutage(sentence: string): void {
    if (this.#outage !== sentence) this.#service?.logger.error(sentence);
    this.#outage = sentence;
  }

  #reportRecovery(): void {
    if (this.#outage === undefined) return;
    this.#outage = this.#fault = undefined;
    this.#service?.logger.info(`${this.file} is available again.`);
  }
}
