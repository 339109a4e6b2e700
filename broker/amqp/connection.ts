/** One connection to RabbitMQ, with a socket set up for many small messages and for being missed soon. */
import type { Duplex } from "node:stream";
import type { ChannelModel } from "amqplib";

/** Seconds between AMQP heartbeats: RabbitMQ and we notice a peer that vanished without a word after two of them. */
const HEARTBEAT = "5";

/** Rejects with one sentence, without the password, when RabbitMQ is away or refuses us; gives up on silence after 3 s. */
export async function openConnection(url: string): Promise<ChannelModel> {
  // eslint-disable-next-line no-restricted-syntax -- a package of its own, and an embedded market does without
  const { connect } = await import("amqplib");
  try {
    // Nagle's algorithm would hold small frames back for 40 ms.
    const connection = await connect(withHeartbeat(url), { noDelay: true, timeout: 3000 });
    writeOncePerTurn(socketOf(connection));
    connection.on("error", () => null); // "close" follows, and is what counts
    return connection;
  } catch (error) {
    throw new Error(
      `No connection to RabbitMQ at ${withoutPassword(url)}: ${reason(error as NodeJS.ErrnoException)}`,
    );
  }
}

/** amqplib keeps its socket undeclared. */
export const socketOf = (connection: ChannelModel): Duplex =>
  (connection.connection as unknown as { stream: Duplex }).stream;

/** Everything said in one turn of the event loop leaves in one system call: a good quarter more calls a second. */
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

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return "an address that is no URL";
  const parsed = new URL(url);
  if (parsed.password) parsed.password = "***";
  parsed.search = "";
  return parsed.href;
}

/** RabbitMQ's own words where amqplib passes them on; a refused connection to several addresses has a code alone. */
function reason({ message, code }: NodeJS.ErrnoException): string {
  if (message.includes("ConnectionOpenOk; got <ConnectionClose"))
    return "it has no such virtual host for this user";
  return /with message "(.*?)\.?"/s.exec(message)?.[1] ?? (message || code || "unknown reason");
}
