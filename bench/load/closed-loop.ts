/**
 * Closed-loop load generator: keep-alive connections with one request in flight on each. It runs in its own process, so that it does not
 * share an event loop with the system under test. Receives a `ClosedLoop` as a message and replies with a `LoadResult`.
 */
import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { ServerToClient } from "../../contracts/socket.ts";
import { bearer, HttpConnection } from "./http-connection.ts";

export interface ClosedLoop {
  /** An origin, http://host:port. */
  api: string;
  method: "GET" | "POST";
  /** Request n of `count` uses this path with `#` replaced by n. */
  path: string;
  count: number;
  connections: number;
  /** Connection n sends token n modulo their number. */
  tokens: string[];
  /** Pause between a response and the next request of a connection (ms). */
  gapMs?: number;
  /** The seller's device. When set, each buy also waits until the device shows its notice. */
  device?: { url: string; token: string };
}

export interface LoadResult {
  /** Time of the first request (ms since 1970). */
  startedAt: number;
  /** From the first request to the last response. */
  seconds: number;
  /** Number of responses by status. */
  statuses: Record<string, number>;
  /** From each request to its response (ms). */
  answered: number[];
  /** From each request to its notice on the device (ms). */
  shown: number[];
  /** Share of one core that the generator used; close to 1, the generator is the bottleneck. */
  cpu: number;
}

process.on("message", (load: ClosedLoop) => void run(load).then((result) => process.send!(result)));

async function run(load: ClosedLoop): Promise<LoadResult> {
  const result: LoadResult = {
    startedAt: 0,
    seconds: 0,
    statuses: {},
    answered: [],
    shown: [],
    cpu: 0,
  };
  const device = load.device && (await Device.connected(load.device));
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => HttpConnection.open(load.api)),
  );
  let next = 0;
  result.startedAt = Date.now();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await Promise.all(
    connections.map(async (connection, index) => {
      const token = load.tokens[index % load.tokens.length];
      while (next < load.count) {
        const path = load.path.replace("#", String(next++));
        await measure(connection, path, token, load, device, result);
        if (load.gapMs) await pause(load.gapMs);
      }
    }),
  );
  result.seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  result.cpu = (user + system) / 1e6 / result.seconds;
  for (const connection of connections) connection.close();
  device?.close();
  return result;
}

async function measure(
  connection: HttpConnection,
  path: string,
  token: string | undefined,
  { method }: ClosedLoop,
  device: Device | undefined,
  result: LoadResult,
): Promise<void> {
  const start = performance.now();
  const shown = device?.shows(path.split("/").at(-1)!);
  const { status } = await connection.request(method, path, bearer(token));
  result.answered.push(performance.now() - start);
  result.statuses[status] = (result.statuses[status] ?? 0) + 1;
  if (shown) result.shown.push((await shown) - start);
}

/** The seller's device, which records when the notice of an item arrives. */
class Device {
  readonly #socket: Socket<ServerToClient>;
  readonly #expected = new Map<unknown, (at: number) => void>();

  private constructor(url: string, token: string) {
    this.#socket = io(url, { transports: ["websocket"], auth: { token }, reconnection: false });
    this.#socket.on("notification", ({ data }) =>
      this.#expected.get(data.itemId)?.(performance.now()),
    );
  }

  static async connected({ url, token }: { url: string; token: string }): Promise<Device> {
    const device = new Device(url, token);
    await new Promise<unknown>((resolve, reject) =>
      device.#socket.once("inbox", resolve).once("connect_error", reject),
    );
    return device;
  }

  shows(itemId: string): Promise<number> {
    return new Promise((resolve) => this.#expected.set(itemId, resolve));
  }

  close(): void {
    this.#socket.close();
  }
}
