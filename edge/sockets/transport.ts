import type { Socket } from "socket.io";
import { uptime } from "../rate-limiter.ts";

export type Connection = Socket["conn"];

/** Of the `ws` library, below Engine.IO. */
export interface WebSocket {
  readonly readyState: number;
  readonly CLOSED: number;
  on(event: "ping" | "pong", listener: (this: WebSocket) => void): WebSocket;
  off(event: "ping" | "pong", listener: (this: WebSocket) => void): WebSocket;
  /** At once, whatever waits to be sent. */
  terminate(): void;
}

/** Characters that may wait for a client to take them: an inbox is the most that is sent at once, half of this at the utmost. */
const mostUntaken = 1024 * 1024;
/** Milliseconds after which a client that takes nothing is not waited for: what the system has buffered counts as taken. */
const takenWithin = 10_000;

/** Milliseconds that a client gets to agree to its end, and to read why. */
const lingering = 2_000;

/** Every transport but WebSocket is off. */
export const webSocketOf = ({ transport }: Connection): WebSocket =>
  (transport as unknown as { socket: WebSocket }).socket;

/** What a client has not taken of what it was sent: all of it would be kept, for as long as the client says that it is still there. */
export class SendBuffer {
  #waiting = 0;
  #onItsWay = 0;
  #since = uptime();

  /** One packet more waits. Ends the connection of a client that does not take them. */
  add(connection: Connection, { data }: { data?: string }): void {
    this.#waiting += 1 + (data?.length ?? 0);
    // Also Engine.IO's own heartbeat comes by here, so that nobody is forgotten.
    if (connection.transport.writable) return;
    if (this.#waiting + this.#onItsWay > mostUntaken || uptime() - this.#since > takenWithin)
      webSocketOf(connection).terminate();
  }

  /** All that waited is on its way. */
  flush(): void {
    this.#onItsWay = this.#waiting;
    this.#waiting = 0;
    this.#since = uptime();
  }
}

/** After a polite close: a client that does not agree to it would keep its connection for half a minute more. */
export function terminateAfterGrace(connection: Connection): void {
  const wire = webSocketOf(connection);
  if (wire.readyState !== wire.CLOSED) setTimeout(() => wire.terminate(), lingering).unref();
}
