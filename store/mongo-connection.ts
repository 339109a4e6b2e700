import { MongoClient, type Db, type MongoClientOptions } from "mongodb";
import { setTimeout as pause } from "node:timers/promises";
import { refusal } from "../broker/refusal.ts";
import { mongoClock } from "./mongo-clock.ts";
import { isTimeout, withTimeout } from "./mongo-errors.ts";
import type { ReferenceClock } from "./reference-clock.ts";

/** How the driver behaves unless the URL says otherwise. */
const defaults = {
  // An acknowledged write is in the journals of a majority: without `journal` a crash loses up to 100 ms of them.
  w: "majority",
  journal: true,
  // An item that reads as sold stays sold, whichever server fails next. A majority read does not wait.
  readConcernLevel: "majority",
  // A call that begins while no server can be found is answered within 1 s, even if the driver tries twice.
  serverSelectionTimeoutMS: 500,
  // Servers are checked every 500 ms, so a return is noticed as fast. A server without an answer for 2 s is
  // frozen, and the calls that wait for it fail.
  heartbeatFrequencyMS: 500,
  connectTimeoutMS: 1500,
  // More connections only make the database's own queue longer.
  maxPoolSize: 50,
  waitQueueTimeoutMS: 2500,
  // An operation without an answer ends before its caller's own timeout, and its connection is closed: otherwise it
  // would take a place in the pool for as long as a network that drops packets leaves it open, often for hours.
  socketTimeoutMS: 2500,
  // A connection that nothing uses may have become silent unnoticed. An unused one costs a call, so few are kept.
  maxIdleTimeMS: 30_000,
  // The driver repeats a write only where the server knows it by number (replica sets), so never twice. On a
  // standalone server a write that was cut off is UNAVAILABLE, and the caller repeats it.
  retryWrites: true,
  ignoreUndefined: true,
} satisfies MongoClientOptions;

/** How long a call waits for the first connection. */
const firstConnectionTimeoutMs = 900;
const reconnectDelayMs = 250;
/** The shortest time between two warnings of single calls that fail while the server answers. */
const warnIntervalMs = 10_000;

/** In "connecting" it is not known yet whether the database answers, and calls wait; in "unavailable" they are refused. */
type State = "connecting" | "ready" | "unavailable" | "closed";
type Log = (level: "info" | "warn", message: string) => void;

interface Settings {
  /** Its name; without it, the one that the URL names. */
  database?: string | undefined;
  collection: string;
  /** Runs after each connect; the connection is ready once it succeeds. */
  prepare: () => Promise<unknown>;
  log: Log;
}

/** One client whose state follows the heartbeats: starts without its server, and reconnects by itself. */
export class MongoConnection {
  readonly client: MongoClient;
  readonly database: Db;
  readonly clock: ReferenceClock;
  readonly #name: string;
  readonly #prepare: () => Promise<unknown>;
  readonly #log: Log;
  /** Servers whose last heartbeat failed. */
  readonly #failing = new Set<string>();
  #state: State = "connecting";
  #stateChange = Promise.withResolvers();
  #isConnecting = false;
  #hasWarned = false;

  constructor(url: string, { database, collection, prepare, log }: Settings) {
    this.client = new MongoClient(url, optionsFor(url));
    // Not named by the URL: there it would also be the database in which the driver looks for the user.
    this.database = this.client.db(database);
    const { hosts, srvHost } = this.client.options;
    const { databaseName } = this.database;
    this.#name = `MongoDB at ${hosts.join(",") || srvHost} (${databaseName}.${collection})`;
    this.#prepare = prepare;
    this.#log = log;
    this.clock = mongoClock(this.client, this.#name, log);
    // A heartbeat's connectionId is the server's address.
    this.client.on("serverHeartbeatSucceeded", ({ connectionId }) =>
      this.#failing.delete(connectionId),
    );
    this.client.on("serverHeartbeatFailed", ({ connectionId, failure }) =>
      this.#heartbeatFailed(connectionId, failure),
    );
  }

  /** Connects in the background. */
  open(): void {
    void this.#connect();
  }

  async close(): Promise<void> {
    this.#enter("closed");
    await this.client.close();
  }

  /** Throws UNAVAILABLE when the database does not answer, or Timeout when that is not known in time. */
  async whenReady(): Promise<void> {
    if (this.#state === "connecting")
      await withTimeout(firstConnectionTimeoutMs, this.#stateChange.promise);
    if (this.#state !== "ready") throw refusal("UNAVAILABLE");
  }

  /**
   * Call it with each outage that an operation met. The next server that answers may be another one, or hold
   * another database, so the indexes are ensured again; after a timeout that would only be one more call.
   */
  reportOutage(error: Error): void {
    if (!isTimeout(error) && this.#state === "ready") {
      this.#enter("connecting");
      void this.#connect();
    }
    this.#warn(error);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#stateChange.resolve(undefined);
    this.#stateChange = Promise.withResolvers();
    if (state !== "ready" || !this.#hasWarned) return;
    this.#hasWarned = false;
    this.#log("info", `${this.#name} is available again.`);
  }

  /** Refuses calls at once when no server answers. */
  #heartbeatFailed(address: string, failure: Error): void {
    this.#failing.add(address);
    if (this.isClosed || this.#failing.size < this.client.options.hosts.length) return;
    this.#warn(failure);
    this.#enter("unavailable");
    void this.#connect();
  }

  /** Connects and prepares, until both succeed. */
  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    while (this.#state === "connecting" || this.#state === "unavailable") {
      try {
        await this.client.connect();
        await this.#prepare();
        if (!this.isClosed) this.#enter("ready");
      } catch (error) {
        if (this.isClosed) break;
        this.#warn(error as Error);
        this.#enter("unavailable");
        await pause(reconnectDelayMs, undefined, { ref: false });
      }
    }
    this.#isConnecting = false;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Warns once in an outage, and at intervals of single calls that fail while the server answers. */
  #warn(cause: Error): void {
    if (this.#hasWarned || this.isClosed) return;
    this.#hasWarned = true;
    if (this.#state === "ready")
      setTimeout(() => (this.#hasWarned = false), warnIntervalMs).unref();
    this.#log("warn", `${this.#name} is unavailable: ${cause.message}`);
  }
}

/** Options given to the driver would override the URL's, so those that the URL has are left out. */
export function optionsFor(url: string): MongoClientOptions {
  const given = new Set(
    [...new URLSearchParams(url.split("?")[1] ?? "").keys()].map((key) => key.toLowerCase()),
  );
  return Object.fromEntries(
    Object.entries(defaults).filter(([key]) => !given.has(key.toLowerCase())),
  );
}
