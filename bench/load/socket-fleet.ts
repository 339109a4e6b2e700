/**
 * A fleet of WebSocket clients in its own process. Each speaks the minimum of Socket.IO, so that 10,000 of them cost less than the server
 * under test. Receives a `FleetCommand` as a message and replies to each.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type FleetCommand =
  /** Connects one client for each token, `concurrency` at a time. The reply is a `ConnectResult`. */
  | { command: "connect"; sockets: string; tokens: string[]; concurrency: number }
  /** The reply is the number of connected clients. */
  | { command: "count" }
  /** Disconnects all clients. The reply is 0. */
  | { command: "disconnect" };

export interface ConnectResult {
  /** Clients that received their inbox. */
  inboxes: number;
  /** Clients whose connection ended before their inbox arrived. */
  lost: number;
  /** From the first connect to the last inbox. */
  seconds: number;
  /** Share of one core that the fleet used. */
  cpu: number;
}

const sockets = new Set<Socket>();

process.on(
  "message",
  (command: FleetCommand) => void execute(command).then((reply) => process.send!(reply)),
);

async function execute(command: FleetCommand): Promise<ConnectResult | number> {
  if (command.command === "connect") return connectAll(command);
  if (command.command === "disconnect") await disconnectAll();
  return sockets.size;
}

async function connectAll({
  sockets: url,
  tokens,
  concurrency,
}: FleetCommand & { command: "connect" }): Promise<ConnectResult> {
  const port = Number(new URL(url).port);
  const result = { inboxes: 0, lost: 0, seconds: 0, cpu: 0 };
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let next = 0;
  const worker = async () => {
    while (next < tokens.length) {
      if (await client(port, tokens[next++]!)) result.inboxes++;
      else result.lost++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  result.seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  result.cpu = (user + system) / 1e6 / result.seconds;
  return result;
}

async function disconnectAll(): Promise<void> {
  const all = [...sockets];
  for (const socket of all) socket.destroy();
  await Promise.all(all.map((socket) => socket.closed || once(socket, "close")));
}

/** Connects a client. Resolves with true when it has its inbox, with false when the connection ends before. */
function client(port: number, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.add(socket);
    const onData = packetReader((packet) => {
      if (startsWith(packet, "2")) socket.write(pong);
      else if (startsWith(packet, "0")) socket.write(frame(`40${JSON.stringify({ token })}`));
      else if (startsWith(packet, '42["inbox"')) resolve(true);
    });
    socket.on("data", onData).on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      resolve(false);
    });
    socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nupgrade: websocket\r\nconnection: upgrade\r\n` +
        "sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
    );
  });
}

/** A client's text frame. Its mask is zero, which is valid and leaves the payload unchanged. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const head =
    body.length < 126
      ? [0x81, 0x80 | body.length]
      : [0x81, 0xfe, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), body]);
}

const pong = frame("3");
const startsWith = (packet: Buffer, text: string) =>
  packet.toString("latin1", 0, text.length) === text;

/** Parses the frames that a server sends after its 101 response, and keeps an incomplete frame for the next chunk. */
function packetReader(onPacket: (packet: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isUpgraded = false;
  return (chunk) => {
    let data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = isUpgraded ? 0 : data.indexOf("\r\n\r\n");
    if (end < 0) return void (rest = data);
    if (!isUpgraded) data = data.subarray(end + 4);
    isUpgraded = true;
    for (let body = payloadOf(data); body; body = payloadOf(data)) {
      onPacket(body);
      data = data.subarray(body.byteOffset - data.byteOffset + body.length);
    }
    rest = Buffer.from(data);
  };
}

/** The payload of the first frame, or undefined while it is incomplete. A server does not mask its frames. */
function payloadOf(data: Buffer): Buffer | undefined {
  if (data.length < 2) return undefined;
  const short = data[1]! & 127;
  const from = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (data.length < from) return undefined;
  const length =
    short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
  return data.length < from + length ? undefined : data.subarray(from, from + length);
}
