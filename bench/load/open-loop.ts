/**
 * Open-loop load generator: requests start at a fixed rate, whether or not earlier ones were answered, each on an idle or a new
 * connection. It runs in its own process. Receives an `OpenLoop` as a message and replies with a `TimedResponse` for each request.
 */
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { bearer, HttpConnection, type HttpResponse } from "./http-connection.ts";

export interface OpenLoop {
  api: string;
  /** Request n is a POST to this path with `#` replaced by n. */
  path: string;
  count: number;
  /** Requests per second. Without it, all requests start at once. */
  perSecond?: number;
  /** Maximum number of requests in flight. Without it, there is no maximum. */
  concurrency?: number;
  /** Request n sends token n modulo their number. */
  tokens: string[];
  /** Number of client addresses, sent as X-Forwarded-For. Without it, requests come from this machine's address. */
  addresses?: number;
}

export interface TimedResponse extends HttpResponse {
  /** When the request started (ms after the first one). */
  startMs: number;
  /** From request to response (ms). */
  durationMs: number;
}

/** Connections that are opened before the first request. */
const poolSize = 1_000;
/** Idle connections are reused for this long (ms). The api closes them after 14 s (edge/server.ts). */
const reuseWithin = 10_000;
/** A request without a response ends after this (ms), with status 0. */
const timeoutMs = 15_000;

process.on("message", (load: OpenLoop) => void run(load).then((all) => process.send!(all)));

async function run(load: OpenLoop): Promise<TimedResponse[]> {
  const { count, perSecond = Infinity, concurrency = Infinity } = load;
  const pool = await ConnectionPool.open(load.api, Math.min(poolSize, count));
  const start = performance.now();
  const responses: Promise<TimedResponse>[] = [];
  let inFlight = 0;
  while (responses.length < count) {
    const elapsed = (performance.now() - start) / 1000;
    const due = perSecond === Infinity ? count : Math.min(count, Math.ceil(elapsed * perSecond));
    while (responses.length < due && inFlight < concurrency) {
      inFlight++;
      responses.push(send(load, responses.length, start, pool).finally(() => inFlight--));
    }
    // With a concurrency limit the next request waits for a response, which needs no timer.
    if (responses.length < count) await (concurrency === Infinity ? pause(2) : turn());
  }
  const all = await Promise.all(responses);
  pool.close();
  return all;
}

async function send(
  { path, tokens, addresses }: OpenLoop,
  n: number,
  start: number,
  pool: ConnectionPool,
): Promise<TimedResponse> {
  const sent = performance.now();
  const connection = await pool.take();
  const from = addresses
    ? `x-forwarded-for: 10.0.${(n % addresses) >> 8}.${(n % addresses) & 255}\r\n`
    : "";
  const response = await connection.request(
    "POST",
    path.replace("#", String(n)),
    from + bearer(tokens[n % tokens.length]),
  );
  pool.release(connection);
  return { startMs: sent - start, durationMs: performance.now() - sent, ...response };
}

class ConnectionPool {
  readonly #api: string;
  readonly #all: HttpConnection[];
  readonly #idle: { connection: HttpConnection; since: number }[];

  private constructor(api: string, connections: HttpConnection[]) {
    [this.#api, this.#all] = [api, connections];
    const since = performance.now();
    this.#idle = connections.map((connection) => ({ connection, since }));
  }

  static async open(api: string, size: number): Promise<ConnectionPool> {
    const opening = Array.from({ length: size }, () => HttpConnection.open(api, timeoutMs));
    return new ConnectionPool(api, await Promise.all(opening));
  }

  async take(): Promise<HttpConnection> {
    const last = this.#idle.pop();
    if (last && performance.now() - last.since <= reuseWithin && !last.connection.isClosed)
      return last.connection;
    const connection = await HttpConnection.open(this.#api, timeoutMs);
    this.#all.push(connection);
    return connection;
  }

  release(connection: HttpConnection): void {
    if (!connection.isClosed) this.#idle.push({ connection, since: performance.now() });
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }
}
