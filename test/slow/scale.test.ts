/** RATE_SCALE multiplies every limit: at a twentieth, few requests exceed the large ones. Clients connect directly, without proxies. */
import { randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import type { ServiceBroker } from "moleculer";
import type { SocketServer } from "../../edge/sockets/rooms.ts";
import { Device } from "../support/device.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { gate } from "../support/gate.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { tokenOf } from "../support/tokens.ts";

const scale = 0.05;
const folder = temporaryFolder();
const devices: Device[] = [];
const connections: Socket[] = [];
let broker: ServiceBroker;
let ports: { api: number; sockets: number };
let token: (userId: string) => Promise<string>;
let rateLimits: typeof import("../../edge/policy/limits.ts").rateLimits;
let webSocketOf: typeof import("../../edge/sockets/transport.ts").webSocketOf;
let concurrencyLimits: typeof import("../../edge/policy/limits.ts").concurrencyLimits;

beforeAll(async () => {
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "fatal",
    RATE_SCALE: `${scale}`,
  });
  ({ rateLimits, concurrencyLimits } = await import("../../edge/policy/limits.ts"));
  ({ webSocketOf } = await import("../../edge/sockets/transport.ts"));
  const { startNode } = await import("../../bin/node.ts");
  const { env } = await import("../../broker/env.ts");
  broker = await startNode([], { started: () => {} });
  const at = (service: string) =>
    (broker.getLocalService(service) as unknown as { address(): { port: number } }).address().port;
  ports = { api: at("api"), sockets: at("notifications") };
  token = (userId) => tokenOf(env.keys.private!, userId);
});
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.destroy();
  for (const device of devices.splice(0)) device.close();
});
afterAll(async () => {
  await broker.stop();
  folder.remove();
});

const many = <T>(count: number, work: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));
const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${ports.api}${path}`, init);
const tally = (answers: { status: number }[]) =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, group]) => [
      status,
      group.length,
    ]),
  );
const device = (as?: string, options = {}) => {
  const made = new Device(`http://127.0.0.1:${ports.sockets}`, as, options);
  devices.push(made);
  return made;
};
const isClosing = (one: Device) => one.received("closing").length > 0;
/** Opens a WebSocket and sends nothing. Returns the first bytes of the response. */
async function upgrade(): Promise<string> {
  const connection = connect(ports.sockets, "127.0.0.1");
  connections.push(connection);
  const key =
    "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==";
  connection.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: h\r\n${key}\r\n\r\n`,
  );
  const [answer] = (await once(connection, "data")) as [Buffer];
  return answer.toString();
}
/** A limit, multiplied by RATE_SCALE. */
const scaled = (most: number) => Math.ceil(most * scale);
/** Waits for a window without earlier requests. */
const newWindow = (path: string) =>
  eventually(async () => (await ask(path)).status !== 429, { within: 15_000, every: 200 });

describe("HTTP requests", () => {
  it("of one network are limited before anything is read; X-Forwarded-For does not change that", async () => {
    const most = scaled(rateLimits.requestsByNetwork.max);
    const answers: Response[] = [];
    // Fewer at once than the limit on connections.
    while (answers.length < most + 50)
      answers.push(
        ...(await many(50, (n) =>
          ask(n % 2 ? "/users/me" : "/market/items", {
            headers: { "x-forwarded-for": `8.8.8.${n}`, authorization: "Bearer garbage" },
          }),
        )),
      );
    const unread = await ask("/users/login", {
      method: "POST",
      body: "{",
      headers: { "content-type": "application/json" },
    });

    expect(tally(answers)[429]).toBeGreaterThanOrEqual(50);
    expect(tally(answers)[200]! + tally(answers)[401]!).toBeLessThanOrEqual(most);
    expect(unread.status).toBe(429);
    expect((await ask("/health/live")).status).toBe(200);
    await newWindow("/market/items");
  });

  it("of one network are limited also for unknown paths and refused origins; health checks are exempt", async () => {
    const most = scaled(rateLimits.requestsByNetwork.max);
    const origin = `http://127.0.0.1:${ports.api}`;
    const kinds: [string, RequestInit?][] = [
      ["/nowhere"],
      ["/market/items", { method: "DELETE" }],
      ["/market/items", { method: "OPTIONS" }],
      ["/market/items", { headers: { origin: "https://evil.example" } }],
      ["/", { headers: { origin } }],
      ["/assets/none.js"],
      ["/config.json"],
      ["/openapi.json"],
      ["/health/nowhere"],
    ];
    const seen: number[] = [];
    const round = async () => {
      const answers = await Promise.all(kinds.map(([path, init]) => ask(path, init)));
      for (const each of answers) await each.arrayBuffer();
      seen.push(...answers.map(({ status }) => status));
      return answers;
    };

    for (let n = 0; n < 20; n++)
      await Promise.all(["/health/live", "/health/ready?x"].map((path) => ask(path)));
    const first = await round();
    while (seen.length < most) await round();
    const last = await round();

    expect(first.map(({ status }) => status)).not.toContain(429);
    expect(last.map(({ status }) => status)).toEqual(kinds.map(() => 429));
    const answered = seen.filter((status) => status !== 429).length;
    // The previous test may have made one or two requests in the same window.
    expect([most - answered <= 2, answered <= most]).toEqual([true, true]);
    // A page of an allowed origin may read the reason.
    expect(last[4]!.headers.get("access-control-allow-origin")).toBe(origin);
    expect((await ask("/health/live")).status).toBe(200);
    await newWindow("/market/items");
  });

  it("of one network may use only a part of the calls in flight", async () => {
    const { gateway } = await import("../support/gateway.ts");
    const held = gate();
    const slow = () => held.opened().then(() => ({ ok: true }));
    const made = await gateway({
      handlers: { "market.items": slow },
      settings: { trustedProxies: 1 },
    });
    const from = (address: string) =>
      made.call("GET", "/market/items", { headers: { "x-forwarded-for": address } });
    const most = scaled(concurrencyLimits.requestsByNetwork);

    const within = Array.from({ length: most }, () => from("10.0.0.1"));
    await eventually(() => expect(held.waiting()).toBe(most));
    const above = await from("10.0.0.1");
    const other = from("10.0.0.2");
    await eventually(() => expect(held.waiting()).toBe(most + 1));
    held.open();

    expect([above.status, above.body.code, above.headers.get("retry-after")]).toEqual([
      429,
      "TOO_MANY_REQUESTS",
      "1",
    ]);
    expect((await Promise.all([...within, other])).map(({ status }) => status)).toEqual(
      Array(most + 1).fill(200),
    );
    expect((await from("10.0.0.1")).status).toBe(200);
    await made.stop();
  });

  it("of one user are limited over all routes and networks; other users are not affected", async () => {
    const [mine, other] = [await token(randomUUID()), await token(randomUUID())];
    const inbox = (as: string) =>
      ask("/notifications", { headers: { authorization: `Bearer ${as}` } });
    const most = scaled(rateLimits.requestsByUser.max);

    // In parts, because the calls in flight of one network are limited, too.
    const answers: Response[] = [];
    while (answers.length < most + 10) answers.push(...(await many(10, () => inbox(mine))));

    expect(tally(answers)).toEqual({ 200: most, 429: 10 });
    expect((await inbox(other)).status).toBe(200);
    const refused = answers.find(({ status }) => status === 429)!;
    expect(await refused.json()).toMatchObject({ code: "TOO_MANY_REQUESTS", status: 429 });
    const wait = Number(refused.headers.get("retry-after"));
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(rateLimits.requestsByUser.seconds);
    await eventually(async () => expect((await inbox(mine)).status).toBe(200), {
      within: (wait + 2) * 1000,
      every: 200,
    });
  });
});

describe("passwords", () => {
  it("of one network may use only a part of the hashing queue", async () => {
    const most = scaled(concurrencyLimits.hashesByNetwork);
    const register = () =>
      broker.call(
        "users.register",
        { email: `${randomUUID()}@souk.test`, password: "correct horse", name: "N" },
        { meta: { ip: "10.0.0.1" } },
      );

    const answers = await many(most + 5, () =>
      register().then(
        () => "ok",
        (error: { type: string }) => error.type,
      ),
    );

    expect(answers.filter((answer) => answer === "ok")).toHaveLength(most);
    expect(answers.filter((answer) => answer === "TOO_MANY_REQUESTS")).toHaveLength(5);
  });
});

describe("sign-ins", () => {
  it("of one network are limited also when they succeed; other networks are not affected", async () => {
    const from = (ip: string) => ({ meta: { ip } });
    const most = scaled(rateLimits.signInsByNetwork.max);
    const accounts = Array.from({ length: 12 }, () => ({
      email: `${randomUUID()}@souk.test`,
      password: "correct horse",
    }));
    for (const account of accounts)
      await broker.call("users.register", { ...account, name: "N" }, from("10.0.0.2"));
    const login = (ip: string, n: number) =>
      broker.call("users.login", accounts[n % accounts.length], from(ip));

    for (let n = 0; n < most; n++) await login("10.0.0.3", n);

    await expect(login("10.0.0.3", most)).rejects.toMatchObject({ type: "TOO_MANY_REQUESTS" });
    await login("10.0.0.4", most);
  });
});

describe("sockets", () => {
  it("of one user are limited: one more gets the reason and is closed for good, however it authorizes", async () => {
    const mine = await token(randomUUID());
    const most = scaled(concurrencyLimits.socketsByUser);
    const within = Array.from({ length: most }, () => device(mine));
    await Promise.all(within.map((one) => one.receives("inbox")));

    const [byHandshake, byEvent] = [device(mine), await device().connects()];
    const answer = await byEvent.ask("authorize", { token: mine });

    expect(answer).toEqual({ ok: false, code: "TOO_MANY_REQUESTS", detail: expect.any(String) });
    for (const one of [byHandshake, byEvent]) {
      expect(await one.receives("closing")).toEqual({ code: "TOO_MANY_REQUESTS" });
      await eventually(() =>
        expect([one.disconnects, one.socket.active]).toEqual([["io server disconnect"], false]),
      );
    }
    expect(within.filter((one) => one.socket.connected)).toHaveLength(most);
    within[0]!.close();
    await eventually(async () => {
      const next = device(mine);
      await next.receives("inbox", 1, 1_000);
    });
  });

  it("of one network are limited: those above get the reason and are closed, far above they are rejected", async () => {
    const most = scaled(concurrencyLimits.socketsByNetwork);
    // Each earlier test has closed its sockets; the server may still have to notice.
    await eventually(
      () =>
        (
          broker.getLocalService("notifications") as unknown as {
            io: { engine: { clientsCount: number } };
          }
        ).io.engine.clientsCount === 0,
    );
    const within = Array.from({ length: most }, () => device());
    await Promise.all(within.map((one) => one.connects()));

    const above = Array.from({ length: 3 }, () => device());

    for (const one of above) {
      expect(await one.receives("closing")).toEqual({ code: "TOO_MANY_REQUESTS" });
      await eventually(() => expect(one.disconnects).toEqual(["io server disconnect"]));
    }
    expect(within.filter((one) => one.socket.connected && !isClosing(one))).toHaveLength(most);
    // Connections that never join the namespace count too. Only a few above the limit are accepted, to get the reason.
    const answers = await many(scaled(concurrencyLimits.connectionsByNetwork) - most - 5, upgrade);
    const kept = answers.filter((answer) => answer.startsWith("HTTP/1.1 101")).length;
    expect([kept > 0, kept <= Math.ceil(most * 1.1) - most, kept < answers.length]).toEqual([
      true,
      true,
      true,
    ]);
    for (const connection of connections) connection.destroy();
    within[0]!.close();
    await eventually(() => device().connects());
  });

  it("of one network that send too much are read later, and stay connected; other networks are not affected", async () => {
    const elsewhere = { agent: new Agent({ localAddress: "127.0.0.9" }) };
    const other = await device(await token(randomUUID()), elsewhere).connects();
    const late = await device(await token(randomUUID())).connects();
    const each = scaled(rateLimits.packetsByConnection.max) - 3;
    // Of 15 KB, which count 15.
    const count = Math.ceil(scaled(rateLimits.packetsByNetwork.max) / each / 15) + 2;
    const flooders = await many(count, () => device().connects());
    for (const flooder of flooders)
      for (let n = 0; n < each; n++) flooder.write(`31["${"x".repeat(15_000)}"]`);
    const { io } = broker.getLocalService("notifications") as unknown as { io: SocketServer };
    const paused = () =>
      [...io.sockets.sockets.values()].filter(({ conn }) => webSocketOf(conn).isPaused);
    await eventually(() => paused().length > 0);
    // The first that is counted is still answered.
    while (!paused().some(({ id }) => id === late.socket.id)) await late.ask("read", { ids: [] });
    let isAnswered = false;
    const answer = late.socket.emitWithAck("read", { ids: [] }).then(() => (isAnswered = true));

    for (let n = 0; n < 3; n++) await other.ask("read", { ids: [] });
    expect(isAnswered).toBe(false);
    await answer;
    expect(late.disconnects).toEqual([]);
  });

  it("of one network connect at a limited rate; stock clients reconnect later", async () => {
    const most = scaled(rateLimits.connectsByNetwork.max);
    for (let attempts = 0; attempts < most; attempts += 25) {
      const some = Array.from({ length: 25 }, () => device());
      await eventually(() =>
        expect(some.every(({ socket, refusals }) => socket.connected || refusals.length > 0)).toBe(
          true,
        ),
      );
      for (const one of some) one.close();
    }
    const late = device();

    await eventually(() => expect(late.refusals.length).toBeGreaterThan(0));
    await eventually(() => expect(late.socket.connected).toBe(true), { within: 15_000 });
    expect(late.received("closing")).toEqual([]);
  });
});

describe("connections", () => {
  it.each(["api", "sockets"] as const)(
    "to %s from one network are limited, also without a request",
    async (which) => {
      const most = scaled(concurrencyLimits.connectionsByNetwork);
      const open = async () => {
        const connection = connect(ports[which], "127.0.0.1");
        connections.push(connection);
        connection.on("error", () => {});
        await once(connection, "connect");
        return connection;
      };

      await many(most + 30, open);

      await eventually(() =>
        expect(
          connections.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length,
        ).toBeGreaterThanOrEqual(30),
      );
      await eventually(() =>
        expect(
          connections.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length,
        ).toBeLessThanOrEqual(most),
      );
      for (const connection of connections) connection.destroy();
      if (which === "api")
        await eventually(async () => expect((await ask("/health/live")).status).toBe(200));
    },
  );
});
