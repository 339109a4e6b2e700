/** One connection to RabbitMQ, tuned for many small messages and for fast detection of its loss. */
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { ChannelModel } from "amqplib";
import { redact } from "../env/urls.ts";

/** AMQP heartbeat interval (s). Each side drops a silent connection after two intervals. */
const HEARTBEAT = "5";
/** A connection attempt is given up after this time without an answer (ms). */
const CONNECT_TIMEOUT = 3000;
/** A connection whose end is not confirmed is cut after this time (ms). */
export const CLOSE_TIMEOUT = 1000;

/** amqplib rejects what waits on a connection before it says why the connection ended, within this time (ms). */
const REASON_TIMEOUT = 250;

/** Opens a connection. Rejects with one sentence, without the password, when RabbitMQ is unreachable or refuses. */
export async function openConnection(url: string): Promise<ChannelModel> {
  // eslint-disable-next-line no-restricted-syntax -- an embedded market never loads this package
  const { connect } = await import("amqplib");
  try {
    // Without noDelay, Nagle's algorithm delays small frames by 40 ms.
    const connection = await connect(withHeartbeat(url), {
      noDelay: true,
      timeout: CONNECT_TIMEOUT,
    });
    writeOncePerTurn(socketOf(connection));
    connection.on("error", () => null); // "close" follows every error, and is handled
    return connection;
  } catch (error) {
    throw new Error(
      `Cannot connect to RabbitMQ at ${redact(url)}: ${reasonOf(error as NodeJS.ErrnoException)}.`,
    );
  }
}

/** With an error, because amqplib clears its timers only then. */
export const destroySocket = (connection: ChannelModel): void =>
  void socketOf(connection).destroy(
    new Error("RabbitMQ did not confirm the end of the connection"),
  );

/** Closes a connection. A frozen RabbitMQ does not confirm it; then the socket is destroyed. */
export function closeConnection(connection: ChannelModel): void {
  const timer = setTimeout(() => destroySocket(connection), CLOSE_TIMEOUT);
  connection
    .close()
    .catch(() => null)
    .finally(() => clearTimeout(timer));
}

/** The socket of a connection. The cast: amqplib does not declare it. */
export const socketOf = (connection: ChannelModel): Duplex =>
  (connection.connection as unknown as { stream: Duplex }).stream;

/** Corks the socket until the end of the event loop's turn: one system call per turn, 25 % more calls per second. */
function writeOncePerTurn(socket: Duplex): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    return write(...args);
  };
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has("heartbeat")) parsed.searchParams.set("heartbeat", HEARTBEAT);
  return parsed.href;
}

/** RabbitMQ's own reason where amqplib passes it on. A refused TCP connection has only a code. */
export function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  if (message.includes("ConnectionOpenOk; got <ConnectionClose"))
    return "it has no such virtual host for this user";
  return (
    /with message "(.*?)\.?"/s.exec(message)?.[1] ??
    (message.replace(/\.$/, "") || code || "unknown reason")
  );
}

/** What an error on a connection means, in one sentence. `ended` resolves with the reason of its end. */
export async function inOneSentence(error: Error, host: string, ended: Promise<string>) {
  // Souk's own errors are sentences.
  if (error.message.endsWith(".")) return error;
  const reason = await Promise.race([ended, pause(REASON_TIMEOUT, reasonOf(error))]);
  return new Error(`Cannot use RabbitMQ at ${host}: ${reason}.`);
}
