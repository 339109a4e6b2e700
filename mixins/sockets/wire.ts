import type { Socket } from "socket.io";

export type Connection = Socket["conn"];

/** Of the `ws` library, below Engine.IO. */
interface Wire {
  on(event: "ping" | "pong", listener: () => void): Wire;
  off(event: "ping" | "pong", listener: () => void): Wire;
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
export const wireOf = ({ transport }: Connection): Wire => (transport as unknown as { socket: Wire }).socket;

/** Ends a connection that does not take what it is sent: all of it would be kept, for as long as the client says that it is still there. */
export function boundUntaken(connection: Connection): void {
  let [waiting, onItsWay, since] = [0, 0, 0];
  connection.on("packetCreate", ({ data }: { data?: string }) => {
    waiting += 1 + (data?.length ?? 0);
    // Also Engine.IO's own heartbeat comes by here, so that nobody is forgotten.
    if (onItsWay > 0 && (waiting + onItsWay > mostUntaken || Date.now() - since > takenWithin)) wireOf(connection).terminate();
  });
  connection.on("flush", () => {
    [waiting, onItsWay, since] = [0, waiting, Date.now()];
  });
  connection.transport.on("drain", () => (onItsWay = 0));
}

/** After a polite close: a client that does not agree to it would keep its connection for half a minute more. */
export function endSoon(connection: Connection): void {
  setTimeout(() => wireOf(connection).terminate(), lingering).unref();
}
