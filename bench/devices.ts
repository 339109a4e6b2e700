/**
 * A crowd of devices as a process of its own, each a WebSocket that speaks just enough of Socket.IO: 10,000 of them must cost less than
 * the server that is measured. Takes an `Ask` as a message and answers each.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export type Ask =
  /** A device for each token, so many under way at a time. Answered with an `Arrival`. */
  | { what: "arrive"; sockets: string; tokens: string[]; atATime: number }
  /** How many are connected. */
  | { what: "count" }
  /** All leave. */
  | { what: "leave" };

export interface Arrival {
  /** Devices that got their inbox, and those whose connection ended before. */
  inboxes: number;
  lost: number;
  /** From the first connect to the last inbox (s). */
  seconds: number;
  /** Of one core, that the crowd itself took. */
  cpu: number;
}

const sockets = new Set<Socket>();

process.on("message", (ask: Ask) => void answer(ask).then((answer) => process.send!(answer)));

async function answer(ask: Ask): Promise<Arrival | number> {
  if (ask.what === "arrive") return arrive(ask);
  if (ask.what === "leave") await leave();
  return sockets.size;
}

async function arrive({
  sockets: url,
  tokens,
  atATime,
}: Ask & { what: "arrive" }): Promise<Arrival> {
  const port = Number(new URL(url).port);
  const arrival = { inboxes: 0, lost: 0, seconds: 0, cpu: 0 };
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  let next = 0;
  const oneByOne = async () => {
    while (next < tokens.length) {
      if (await device(port, tokens[next++]!)) arrival.inboxes++;
      else arrival.lost++;
    }
  };
  await Promise.all(Array.from({ length: atATime }, oneByOne));
  arrival.seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  arrival.cpu = (user + system) / 1e6 / arrival.seconds;
  return arrival;
}

async function leave(): Promise<void> {
  const all = [...sockets];
  for (const socket of all) socket.destroy();
  await Promise.all(all.map((socket) => socket.closed || once(socket, "close")));
}

/** Resolves with true when it has its inbox, with false when the connection ends before. */
function device(port: number, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.add(socket);
    const hear = packets((packet) => {
      if (begins(packet, "2")) socket.write(pong);
      else if (begins(packet, "0")) socket.write(frame(`40${JSON.stringify({ token })}`));
      else if (begins(packet, '42["inbox"')) resolve(true);
    });
    socket.on("data", hear).on("error", () => {});
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

/** A client's frame of text, masked by zeros: as valid as any other mask, and nothing to compute. */
function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const head =
    body.length < 126
      ? [0x81, 0x80 | body.length]
      : [0x81, 0xfe, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), body]);
}

const pong = frame("3");
const begins = (packet: Buffer, text: string) => packet.toString("latin1", 0, text.length) === text;

/** Hands on the packets in what a server sends after its 101, and keeps what is not whole yet. */
function packets(hear: (packet: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isOpen = false;
  return (chunk) => {
    let data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = isOpen ? 0 : data.indexOf("\r\n\r\n");
    if (end < 0) return void (rest = data);
    if (!isOpen) data = data.subarray(end + 4);
    isOpen = true;
    for (let body = bodyOf(data); body; body = bodyOf(data)) {
      hear(body);
      data = data.subarray(body.byteOffset - data.byteOffset + body.length);
    }
    rest = Buffer.from(data);
  };
}

/** Of the first frame, once it is whole; a server does not mask. */
function bodyOf(data: Buffer): Buffer | undefined {
  if (data.length < 2) return undefined;
  const short = data[1]! & 127;
  const from = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (data.length < from) return undefined;
  const length =
    short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
  return data.length < from + length ? undefined : data.subarray(from, from + length);
}
