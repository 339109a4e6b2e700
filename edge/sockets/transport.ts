import type { Server as HttpServer } from "node:http";
import type { Server, Socket } from "socket.io";
import { uptime } from "../uptime.ts";

/** A connection of Engine.IO, below the sockets of Socket.IO. */
export type Connection = Socket["conn"];

type FrameEvent = "message" | "ping" | "pong";
type FrameListener = (this: WebSocket, data: Buffer) => void;

/** The WebSocket of the `ws` library, below Engine.IO. */
export interface WebSocket {
  readonly readyState: number;
  readonly OPEN: number;
  readonly CLOSED: number;
  readonly isPaused: boolean;
  on(event: FrameEvent, listener: FrameListener): WebSocket;
  prependListener(event: FrameEvent, listener: FrameListener): WebSocket;
  off(event: FrameEvent, listener: FrameListener): WebSocket;
  /** Reads nothing until `resume`. What was read already is still parsed. */
  pause(): void;
  resume(): void;
  pong(data: Buffer): void;
  /** Closes at once and discards unsent data. */
  terminate(): void;
}

/** Frames of one message. A client of Socket.IO sends one; `ws` would accept 16,384 empty ones as one packet. */
const maxFragments = 16;

/**
 * Closes the connections of clients that split a message into many frames, and lets `ws` answer no pings: it would write a pong
 * for each of the 10,000 that one read may hold, which holds the event loop up. Engine.IO passes no such options to `ws`, and
 * makes another server of it when `server` begins to listen.
 */
export function limitFrames({ engine }: Pick<Server, "engine">, server: HttpServer): void {
  server.on("listening", () => {
    const { ws } = engine as unknown as { ws: { options: object } };
    Object.assign(ws.options, { maxFragments, autoPong: false });
  });
}

/** Unsent characters per connection. The largest single message, an inbox, has at most half of this. */
const maxUnsent = 1024 * 1024;
/** How long a client may read nothing while data waits (ms). Data in the system's buffers counts as read. */
const readTimeoutMs = 10_000;
/** How long a client may take to complete the closing handshake and to read the reason (ms). */
const closeGraceMs = 2_000;

/** The WebSocket under a connection. No other transport is enabled. */
export const webSocketOf = ({ transport }: Connection) =>
  (transport as typeof transport & { socket: WebSocket }).socket;

/**
 * Back-pressure: counts the unsent data of one connection. Slow consumers are disconnected, because Engine.IO
 * would buffer without limit for as long as the client answers pings.
 */
export class SendBuffer {
  #waiting = 0;
  #inFlight = 0;
  #lastFlush = uptime();

  /** Counts one more packet. Terminates the connection of a slow consumer. */
  add(connection: Connection, { data }: { data?: string }): void {
    this.#waiting += 1 + (data?.length ?? 0);
    // Engine.IO's heartbeat passes here too, so every connection is checked regularly.
    if (connection.transport.writable) return;
    if (this.#waiting + this.#inFlight > maxUnsent || uptime() - this.#lastFlush > readTimeoutMs)
      webSocketOf(connection).terminate();
  }

  /** Everything that waited was handed to the transport. */
  flush(): void {
    this.#inFlight = this.#waiting;
    this.#waiting = 0;
    this.#lastFlush = uptime();
  }
}

/**
 * Reads and parses nothing more of what the client sends. One read may hold 10,000 frames, and a client that is being closed
 * could send more until it is terminated. `ws` has no such function: it ignores the rest only after a frame that closes.
 */
export function stopReading(webSocket: WebSocket): void {
  const { _receiver } = webSocket as unknown as { _receiver: object };
  const closeFrame = 0x08;
  Object.assign(_receiver, { _opcode: closeFrame, _buffers: [], _bufferedBytes: 0 });
  webSocket.pause();
}

/** After a graceful close: a client that does not complete it would keep its connection for 30 s more. */
export function terminateAfterGrace(connection: Connection): void {
  const webSocket = webSocketOf(connection);
  if (webSocket.readyState !== webSocket.CLOSED)
    setTimeout(() => webSocket.terminate(), closeGraceMs).unref();
}
