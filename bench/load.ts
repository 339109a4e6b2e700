/**
 * The load, as a process of its own so that it takes nothing from what it measures: HTTP/1.1 over raw sockets that are kept alive, one
 * request in flight on each. Takes an `Order` as a message and answers with a `Load`.
 */
import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { ServerToClient } from "../contracts/socket.ts";
import { bearer, Line } from "./line.ts";

export interface Order {
  /** An origin, http://host:port. */
  api: string;
  method: "GET" | "POST";
  /** Request n of `count` goes to the path with `#` replaced by n. */
  path: string;
  count: number;
  connections: number;
  /** One for each connection, in turn. */
  tokens: string[];
  /** Between an answer and the next request of a connection (ms). */
  gap?: number;
  /** The seller's device: each buy waits until its notice is shown there, too. */
  device?: { url: string; token: string };
}

export interface Load {
  /** When the first request was sent (ms since 1970), and how long it was from then to the last answer. */
  begun: number;
  seconds: number;
  /** How often each status was answered. */
  statuses: Record<string, number>;
  /** From a request to its answer, and to its notice on the device (ms). */
  answered: number[];
  shown: number[];
  /** Of one core, that the load itself took: near 1, it is what was measured. */
  cpu: number;
}

process.on("message", (order: Order) => void run(order).then((load) => process.send!(load)));

async function run(order: Order): Promise<Load> {
  const load: Load = { begun: 0, seconds: 0, statuses: {}, answered: [], shown: [], cpu: 0 };
  const device = order.device && (await Device.at(order.device));
  const lines = await Promise.all(
    Array.from({ length: order.connections }, () => Line.to(order.api)),
  );
  let next = 0;
  load.begun = Date.now();
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  await Promise.all(
    lines.map(async (line, index) => {
      const token = order.tokens[index % order.tokens.length];
      while (next < order.count) {
        const path = order.path.replace("#", String(next++));
        const asked = performance.now();
        const shown = device?.shows(path.split("/").at(-1)!);
        const { status } = await line.ask(order.method, path, bearer(token));
        load.answered.push(performance.now() - asked);
        load.statuses[status] = (load.statuses[status] ?? 0) + 1;
        if (shown) load.shown.push((await shown) - asked);
        if (order.gap) await pause(order.gap);
      }
    }),
  );
  load.seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  load.cpu = (user + system) / 1e6 / load.seconds;
  for (const line of lines) line.close();
  device?.close();
  return load;
}

/** The seller's, which knows when the notice of an item came. */
class Device {
  readonly #socket: Socket<ServerToClient>;
  readonly #awaited = new Map<unknown, (at: number) => void>();

  private constructor(url: string, token: string) {
    this.#socket = io(url, { transports: ["websocket"], auth: { token }, reconnection: false });
    this.#socket.on("notification", ({ data }) =>
      this.#awaited.get(data.itemId)?.(performance.now()),
    );
  }

  static async at({ url, token }: { url: string; token: string }): Promise<Device> {
    const device = new Device(url, token);
    await new Promise<unknown>((resolve, reject) =>
      device.#socket.once("inbox", resolve).once("connect_error", reject),
    );
    return device;
  }

  shows(itemId: string): Promise<number> {
    return new Promise((resolve) => this.#awaited.set(itemId, resolve));
  }

  close(): void {
    this.#socket.close();
  }
}
