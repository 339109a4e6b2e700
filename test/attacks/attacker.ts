/**
 * One attack from 127.0.0.1 on a market on this machine: node attacker.ts NAME PORT SOCKET_PORT SECONDS. A process of its own, because it
 * would delay the bystander otherwise. It ends by itself.
 */
import { connect, type Socket } from "node:net";

const [name = "", port, socketPort, seconds] = process.argv.slice(2);
const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nhost: souk\r\n${headers}\r\n`;

/** Connections that are opened again when they are closed, a moment later. */
function connections(count: number, use: (socket: Socket) => void, to = port): void {
  const open = () => {
    const socket = connect(Number(to), "127.0.0.1", () => use(socket));
    socket.on("error", () => {}).on("close", () => setTimeout(open, 10));
  };
  for (let n = 0; n < count; n++) open();
}

/** Sends the request again after each response, or after whatever arrives. */
const inTurn = (request: string) => (socket: Socket) =>
  void socket.on("data", () => socket.write(request, "latin1")).write(request, "latin1");

/** Sends as much as the connection takes, and reads what is answered. */
const without = (text: string) => (socket: Socket) => {
  const write = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.resume().on("drain", write);
  write();
};

const upgrade = get(
  "/socket.io/?EIO=4&transport=websocket",
  "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
);
/** A WebSocket that sends the frame again and again, after the first. It is opened again when the server closes it. */
const webSocket =
  (frame: Buffer, first = Buffer.alloc(0)) =>
  (socket: Socket) => {
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => frame));
    const write = () => {
      while (!socket.destroyed && socket.write(many));
    };
    socket.write(upgrade);
    socket.once("data", () => {
      socket.resume().on("drain", write).write(first);
      write();
    });
  };
/** A WebSocket that sends fewer frames than a connection may. */
const patient = (frame: Buffer) => (socket: Socket) => {
  const some = Buffer.concat(Array.from({ length: 18 }, () => frame));
  socket.write(upgrade);
  socket.once("data", () => {
    const timer = setInterval(() => socket.write(some), 1_000);
    socket.resume().on("close", () => clearInterval(timer));
  });
};
/** Masked with zeros. */
const frameOf = (start: number[], payload = "") =>
  Buffer.concat([Buffer.from([...start, 0, 0, 0, 0]), Buffer.from(payload)]);

const words = Array.from("abcdefghijklmnopqrstuvwxyz0123456789ωψ").join(" ");
const attacks: Record<string, () => void> = {
  "15,500 spaces in Accept-Encoding": () =>
    connections(20, inTurn(get("/openapi.json", `accept-encoding: br${" ".repeat(15_500)}x\r\n`))),
  "15,500 spaces in If-None-Match": () =>
    connections(20, inTurn(get("/openapi.json", `if-none-match: a${" ".repeat(15_500)}a\r\n`))),
  "pipelines of refused requests": () => connections(20, without(get("/nothing").repeat(1_700))),
  "pipelines of health checks": () => connections(20, without(get("/health/live").repeat(1_700))),
  "pipelines on the sockets' port": () =>
    connections(20, without(get("/socket.io/").repeat(1_700)), socketPort),
  "pages of a hundred long items": () => connections(30, inTurn(get("/market/items?limit=100"))),
  "searches for 38 words": () =>
    connections(30, inTurn(get(`/market/items?limit=1&search=${encodeURIComponent(words)}`))),
  "3,000 connections without a request": () => connections(3_000, (socket) => socket.write("G")),
  "WebSocket messages in endless fragments": () =>
    connections(50, webSocket(frameOf([0x00, 0x81], "4")), socketPort),
  "WebSocket pings without end": () =>
    connections(50, webSocket(frameOf([0x89, 0x80])), socketPort),
  "WebSocket messages without end": () =>
    connections(50, webSocket(frameOf([0x81, 0x81], "6")), socketPort),
  "WebSocket messages of 1,500 sockets below their limit": () =>
    connections(1_500, patient(frameOf([0x81, 0x81], "6")), socketPort),
  "bytes without end after a WebSocket is closed": () =>
    connections(
      50,
      webSocket(frameOf([0x89, 0x80]).subarray(0, 1), frameOf([0x88, 0x80])),
      socketPort,
    ),
  "WebSocket frames of a declared exabyte": () =>
    connections(
      200,
      webSocket(frameOf([0x81, 0xff, 0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0, 0], "4")),
      socketPort,
    ),
  "200 requests at a time": () => connections(200, inTurn(get("/market/items"))),
};

attacks[name]!();
setTimeout(() => process.exit(), Number(seconds) * 1_000);
