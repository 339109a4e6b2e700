/** Clients whose network goes silent, in both directions or in one: what the market keeps for them is returned. */
import { connect } from "node:net";
import type { Server } from "node:http";
import { promisify } from "node:util";
import type { Server as SocketServer } from "socket.io";
import { createSouk } from "../../client/index.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { addressOf, startBroker, type TestBroker } from "../support/broker.ts";
import { Client } from "../support/client.ts";
import { Device } from "../support/device.ts";
import { Proxy, type Direction } from "../support/proxy.ts";

const portOf = (url: string) => Number(new URL(url).port);
let broker: TestBroker;
let proxies: { api: Proxy; sockets: Proxy };
let origins: { api: string; sockets: string };

beforeAll(async () => {
  broker = await startBroker();
  origins = { api: addressOf(broker, "api"), sockets: addressOf(broker, "notifications") };
  proxies = {
    api: await Proxy.before(portOf(origins.api)),
    sockets: await Proxy.before(portOf(origins.sockets)),
  };
});
afterAll(async () => {
  await Promise.all([proxies.api.close(), proxies.sockets.close()]);
  await broker.stop();
});

/** Open connections of api, connections of Engine.IO and sockets of Socket.IO. */
async function held(): Promise<[http: number, connections: number, sockets: number]> {
  const { server } = broker.getLocalService("api") as unknown as { server: Server };
  const { io } = broker.getLocalService("notifications") as unknown as { io: SocketServer };
  const http = await promisify(server.getConnections.bind(server))();
  return [http, io.engine.clientsCount, io.sockets.sockets.size];
}

it.each([
  ["are silent", ["up", "down"]],
  ["send nothing any more, and receive", ["up"]],
] as [string, Direction[]][])(
  "connections that %s are all closed within 80 s, and the market serves others all the time",
  async (what, directions) => {
    const user = await Client.registered(origins.api);
    const devices = Array.from(
      { length: 20 },
      () =>
        new Device(`http://127.0.0.1:${proxies.sockets.port}`, user.session!.accessToken, {
          reconnection: false,
        }),
    );
    await Promise.all(devices.map((device) => device.receives("inbox")));
    // Idle after an answer, in the middle of the headers, in the middle of a body.
    const texts = [
      "GET /health/live HTTP/1.1\r\nhost: h\r\n\r\n",
      "GET /market/items HTTP/1.1\r\nho",
      'POST /users/login HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"e',
    ];
    const clients = texts.flatMap((text) =>
      Array.from({ length: 10 }, () => {
        const client = connect(proxies.api.port, "127.0.0.1", () => client.write(text));
        return client.on("error", () => {}).on("data", () => {});
      }),
    );
    await eventually(async () => expect((await held())[0]).toBeGreaterThanOrEqual(30));
    expect((await held()).slice(1)).toEqual([20, 20]);

    proxies.api.hold(...directions);
    proxies.sockets.hold(...directions);
    const silentAt = performance.now();
    const item = await user.offer();
    const buyer = await Client.registered(origins.api);
    expect((await buyer.call("POST", `/market/buy/${item.id}`)).status).toBe(200);

    // What remains is the connection of the test's own `fetch`.
    const isReturned = async () => {
      const [http, ...rest] = await held();
      expect([http <= 2, ...rest]).toEqual([true, 0, 0]);
    };
    await eventually(isReturned, { within: 100_000, every: 500 });
    const seconds = Math.round((performance.now() - silentAt) / 1000);
    process.stderr.write(`clients that ${what}: everything was returned after ${seconds} s\n`);
    expect(seconds).toBeLessThan(80);
    for (const client of clients) client.destroy();
    for (const device of devices) device.close();
    await Promise.all([proxies.api.admit(), proxies.sockets.admit()]);
  },
  150_000,
);

it("souk-client gives up a request without an answer after 12 s, closes its connection, and works on a new one", async () => {
  const souk = createSouk({ url: `http://127.0.0.1:${proxies.api.port}` });
  expect(await souk.health()).toMatchObject({ status: "ready" });
  proxies.api.hold("down");
  let open = 0;
  const untap = proxies.api.tap("up", () => (open = proxies.api.connections));
  const startedAt = performance.now();
  await expect(souk.health()).rejects.toMatchObject({ code: "TIMEOUT" });
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await eventually(() => expect(proxies.api.connections).toBeLessThan(open));
  untap();
  proxies.api.release();
  expect(await souk.health()).toMatchObject({ status: "ready" });
}, 60_000);
