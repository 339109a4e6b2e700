/** Time limits of connections whose clients do not read, or send too slowly. They end after 12 to 22 s. */
import { once } from "node:events";
import type { Server } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Session } from "../../contracts/users.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { SocketServer } from "../../edge/sockets/rooms.ts";
import { addressOf, startBroker, type TestBroker } from "../support/broker.ts";
import { Device } from "../support/device.ts";
import { runningTime } from "../support/running-time.ts";

let broker: TestBroker;
let api: string;
let sockets: string;
let device: Device | undefined;

beforeAll(async () => {
  broker = await startBroker();
  [api, sockets] = [addressOf(broker, "api"), addressOf(broker, "notifications")];
});
afterAll(async () => {
  if (device) webSocketOf(device).resume();
  device?.close();
  await broker.stop();
});

/** The WebSocket of a stock client. */
interface WebSocket {
  pause(): void;
  resume(): void;
}
const webSocketOf = ({ socket }: Device) =>
  (socket.io.engine as unknown as { transport: { ws: WebSocket } }).transport.ws;

it("a connection that does not read its responses is closed within 22 s", async () => {
  const { server } = broker.getLocalService("api") as unknown as { server: Server };
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const reader = connect(Number(new URL(api).port), "127.0.0.1").pause();
  const [connection] = await accepted;
  const ended = once(connection, "close");

  // One after the other, until the system's buffers for a client that does not read are full.
  let startedAt = 0;
  for (let asked = 0; connection.writableLength === 0; asked = connection.bytesRead) {
    startedAt = runningTime();
    reader.write("GET /openapi.json HTTP/1.1\r\nhost: h\r\n\r\n");
    await eventually(() => connection.bytesRead > asked);
    await pause(1);
  }
  await ended;

  expect(runningTime() - startedAt).toBeLessThan(22_000);
  expect(connection.bytesRead).toBeGreaterThan(0);
  reader.destroy();
});

it("a request to the sockets' port that never becomes a socket is closed within 20 s", async () => {
  const startedAt = runningTime();
  const upgrade =
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n";
  const slow = ["", "GET / HTTP/1.1\r\n", upgrade].map(async (beginning) => {
    const socket = connect(Number(new URL(sockets).port), "127.0.0.1").on("error", () => {});
    socket.resume().write(beginning);
    const trickle = setInterval(() => beginning && socket.write("x: y\r\n"), 1_000);
    // events.once would reject with a reset, which closes the connection as well.
    await new Promise((resolve) => socket.once("close", resolve));
    clearInterval(trickle);
    return runningTime() - startedAt;
  });

  for (const closedAfter of await Promise.all(slow)) expect(closedAfter).toBeLessThan(20_000);
});

it("a socket that does not read is closed within 12 s, also with few unsent bytes", async () => {
  const { user, accessToken } = (await (
    await fetch(`${api}/users`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: "a@souk.test", password: "correct horse battery", name: "N" }),
    })
  ).json()) as Session;
  device = new Device(sockets, accessToken);
  await device.receives("inbox");
  const { io } = broker.getLocalService("notifications") as unknown as { io: SocketServer };
  const { conn } = [...io.sockets.sockets.values()].find(({ id }) => id === device!.socket.id)!;
  const connection = (conn.transport as unknown as { socket: { _socket: Socket } }).socket._socket;
  const notice = { userId: user.id, text: "x".repeat(1_000), data: { text: "x".repeat(8_000) } };
  const notify = () => broker.call("notifications.notify", notice);
  webSocketOf(device).pause();

  while (connection.writableLength === 0) await Promise.all(Array.from({ length: 5 }, notify));
  const startedAt = runningTime();
  await eventually(() => notify().then(() => connection.destroyed), {
    within: 15_000,
    every: 500,
  });

  expect(runningTime() - startedAt).toBeLessThan(12_000);
});
