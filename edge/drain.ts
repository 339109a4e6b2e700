import type { Server, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { stopAccepting } from "./server.ts";

/** Milliseconds in which requests arrive that were sent before the port was closed. */
const arrivalGraceMs = 250;
/** Milliseconds for the requests that are running then. */
const drainTimeoutMs = 2_750;

/** Ends a server without cutting off a request: see `start`. */
export class Drain {
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  #drained: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Counts a request as running until its response is closed. */
  track(res: ServerResponse): void {
    if (this.#drained) res.shouldKeepAlive = false;
    this.#open.add(res);
    res.once("close", () => {
      this.#open.delete(res);
      if (this.#open.size === 0) this.#onIdle?.();
    });
  }

  /**
   * From now on closes each connection with its next response. After `handoverGraceMs`, in which clients
   * and load balancers move on, accepts no connections, and ends when the running requests have ended.
   */
  start(handoverGraceMs: number): Promise<void> {
    if (!this.#server.listening && !this.#drained) return Promise.resolve();
    for (const res of this.#open) res.shouldKeepAlive = false;
    return (this.#drained ??= pause(handoverGraceMs).then(() => this.#close()));
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => stopAccepting(this.#server, resolve));
    await pause(arrivalGraceMs);
    const onIdle = () => this.#server.closeAllConnections();
    this.#onIdle = onIdle;
    const timer = setTimeout(onIdle, drainTimeoutMs);
    // Also closes connections that never sent a request, which Node does not count as idle.
    if (this.#open.size === 0) onIdle();
    await closed;
    clearTimeout(timer);
  }
}
