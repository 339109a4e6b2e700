import { randomUUID } from "node:crypto";
import { once, type EventEmitter } from "node:events";
import { request, type IncomingMessage, type Server as HttpServer } from "node:http";
import { createServer } from "node:net";
import { json } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { newKeyPair } from "../../broker/keys.ts";
import { authorizeWithin, inboxSize } from "../../contracts/socket.ts";
import type { SocketServer } from "../../edge/sockets/rooms.ts";
import { Device } from "../support/device.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { notifications, type Notifications } from "../support/notifications.ts";
import { tokenOf } from "../support/tokens.ts";
import { runningTime } from "../support/running-time.ts";

let souk: Notifications;
beforeAll(async () => void (souk = await notifications()));
afterAll(() => souk.end());

const notify = async (userId: string) =>
  (await souk.call("notifications.notify", { userId, text: "Item #1 was sold!" })).id;
const endSession = (sid: string, userId: string) =>
  souk.broker.broadcast("users.sessionEnded", {
    sid,
    userId,
    until: new Date(Date.now() + 900_000).toISOString(),
  });
const forGood = "io server disconnect";
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
/** The bytes under a device's connection. */
const tcpSocketOf = ({ socket }: Device) =>
  (
    socket.io.engine as unknown as {
      transport: { ws: { _socket: { pause(): void; destroy(): void } } };
    }
  ).transport.ws._socket;

describe("many sockets that connect at once", () => {
  it("receive their user's inbox, with at most one query per socket", async () => {
    const users = Array.from({ length: 60 }, () => randomUUID());
    const [most, few] = users as [string, string];
    for (let n = 0; n < inboxSize + 10; n++) await notify(most);
    const two = [await notify(few), await notify(few)];
    const tokens = await Promise.all(users.map((user) => souk.token(user)));
    const { store } = souk.broker.getLocalService("notifications") as unknown as {
      store: Record<"find" | "count", (...args: unknown[]) => unknown>;
    };
    let queries = 0;
    const asked = { find: store.find, count: store.count };
    for (const how of ["find", "count"] as const)
      store[how] = (...args) => {
        // Not the queries of the service's timers.
        if (JSON.stringify(args[0]).includes("userId")) queries++;
        return asked[how](...args);
      };

    const devices = tokens.map((token) => new Device(souk.url, token));
    const inboxes = await Promise.all(devices.map((device) => device.receives("inbox")));
    Object.assign(store, asked);
    for (const device of devices) device.close();

    expect(inboxes[0]).toMatchObject({ unread: inboxSize + 10, nextCursor: expect.any(String) });
    expect(inboxes[0]!.notifications).toHaveLength(inboxSize);
    expect([inboxes[1]!.unread, inboxes[1]!.notifications.map(({ id }) => id)]).toEqual([
      2,
      two.toReversed(),
    ]);
    for (const inbox of inboxes.slice(2))
      expect(inbox).toEqual({ unread: 0, notifications: [], nextCursor: null });
    // A user with unread notices costs a query for its mark; one with more than an inbox holds one more query and a count.
    expect(queries).toBeLessThanOrEqual(users.length + 4);
  });
});

describe("a socket", () => {
  it("belongs to the user of the token in its handshake", async () => {
    const user = randomUUID();
    const device = await souk.device(user);

    const id = await notify(user);

    await device.shows(id);
    expect(device.events.map(({ event }) => event)).toEqual(["inbox", "notification"]);
  });

  it("belongs to the user of its authorize event", async () => {
    const user = randomUUID();
    const device = await souk.anonymous().connects();

    expect(await device.ask("authorize", { token: await souk.token(user) })).toEqual({
      ok: true,
      userId: user,
    });

    expect(await device.receives("inbox")).toEqual({
      unread: 0,
      notifications: [],
      nextCursor: null,
    });
    await device.shows(await notify(user));
  });

  it.each([
    ["that is not a token", () => "garbage"],
    ["that is not a string", () => ({ $ne: 1 })],
    ["that is empty", () => ""],
    ["that has expired", () => souk.token("u", { lives: -5 })],
    ["of another key", () => tokenOf(newKeyPair().private, "u")],
    ["of another issuer", () => souk.token("u", { issuer: "elsewhere" })],
    ["for another audience", () => souk.token("u", { audience: "elsewhere" })],
  ])("is refused with a token %s, in the handshake and as an event", async (_what, make) => {
    const token = await make();
    const refused = new Device(souk.url, token);
    const device = await souk.anonymous().connects();

    await eventually(() =>
      expect(refused.refusals).toMatchObject([{ data: { code: "UNAUTHENTICATED" } }]),
    );
    expect(await device.ask("authorize", { token })).toEqual({
      ok: false,
      code: typeof token === "string" && token ? "UNAUTHENTICATED" : "BAD_DATA",
      detail: expect.any(String),
    });
    refused.close();
  });

  it("is closed for good unless it authorizes in time", async () => {
    const [silent, authorized] = [souk.anonymous(), await souk.anonymous().connects()];
    const user = randomUUID();
    await authorized.ask("authorize", { token: await souk.token(user) });

    expect(await silent.receives("closing", 1, (authorizeWithin + 3) * 1000)).toEqual({
      code: "UNAUTHENTICATED",
    });

    await eventually(() => expect(silent.disconnects).toEqual([forGood]));
    await authorized.shows(await notify(user));
    expect(silent.socket.active).toBe(false);
  });

  it("cannot change its user", async () => {
    const [alice, bob] = [randomUUID(), randomUUID()];
    const device = await souk.device(alice);

    expect(await device.ask("authorize", { token: await souk.token(bob) })).toMatchObject({
      ok: false,
      code: "FORBIDDEN",
    });

    const [, hers] = [await notify(bob), await notify(alice)];
    await device.shows(hers);
    expect(device.received("notification").map(({ id }) => id)).toEqual([hers]);
  });

  it("has one user when tokens of two users arrive at once", async () => {
    const device = await souk.anonymous().connects();
    const tokens = await Promise.all(["a", "b"].map(() => souk.token(randomUUID())));

    const answers = await Promise.all(tokens.map((token) => device.ask("authorize", { token })));

    expect(answers.map((answer) => (answer as { code?: string }).code ?? "ok").sort()).toEqual([
      "FORBIDDEN",
      "ok",
    ]);
  });

  it("receives an inbox after every authorization", async () => {
    const user = randomUUID();
    const device = await souk.device(user);
    await notify(user);

    await device.ask("authorize", { token: await souk.token(user) });

    expect(await device.receives("inbox", 2)).toMatchObject({ unread: 1 });
  });

  it("is closed for good when its token expires, unless it got a fresh one", async () => {
    const user = randomUUID();
    const [left, kept] = [
      await souk.device(user, { lives: 4 }),
      await souk.device(user, { lives: 3 }),
    ];

    await kept.ask("authorize", { token: await souk.token(user) });

    expect(await left.receives("closing")).toEqual({ code: "UNAUTHENTICATED" });
    await eventually(() => expect(left.disconnects).toEqual([forGood]));
    await kept.shows(await notify(user));
    expect(kept.received("closing")).toEqual([]);
  });

  it("is closed for good when its session is revoked; sockets of other sessions stay open", async () => {
    const [user, sid] = [randomUUID(), randomUUID()];
    const [ended, moved, other] = [
      await souk.device(user, { sid }),
      await souk.device(user, { sid }),
      await souk.device(user),
    ];
    await moved.ask("authorize", { token: await souk.token(user) });

    await endSession(sid, user);

    expect(await ended.receives("closing")).toEqual({ code: "UNAUTHENTICATED" });
    await eventually(() => expect(ended.disconnects).toEqual([forGood]));
    const id = await notify(user);
    for (const device of [moved, other]) await device.shows(id);
    expect([...moved.disconnects, ...other.disconnects]).toEqual([]);
  });

  it("is refused with a token of a revoked session", async () => {
    const [user, sid] = [randomUUID(), randomUUID()];
    await endSession(sid, user);

    const device = new Device(souk.url, await souk.token(user, { sid }));

    await eventually(() =>
      expect(device.refusals).toMatchObject([{ data: { code: "UNAUTHENTICATED" } }]),
    );
    device.close();
  });

  it("keeps no request in memory, and no connection after it has closed", async () => {
    const { server, io } = souk.broker.getLocalService("notifications") as unknown as {
      server: HttpServer;
      io: SocketServer;
    };
    const upgrade = once(server, "upgrade").then(([request]) => new WeakRef(request as object));
    const connection = once(io.engine as EventEmitter, "connection").then(
      ([connection]) => new WeakRef(connection as object),
    );
    const device = await souk.anonymous({ reconnection: false }).connects();
    const remains = async (what: Promise<WeakRef<object>>) => {
      collectGarbage();
      return (await what).deref() !== undefined;
    };

    await eventually(async () => expect(await remains(upgrade)).toBe(false));
    expect(await remains(connection)).toBe(true);
    tcpSocketOf(device).destroy();

    await eventually(async () => expect(await remains(connection)).toBe(false));
  });

  it("shares its connection with no other socket: a second one closes both", async () => {
    const device = souk.anonymous({ reconnection: false });
    device.socket.io.on("open", () => device.write("0"));

    await eventually(() => expect(device.disconnects).toEqual(["transport close"]));
  });

  it("loses its connection when it leaves the namespace", async () => {
    const device = await souk.device(randomUUID());
    const { engine } = device.socket.io;

    device.write("1");

    await eventually(() => expect(engine.readyState).toBe("closed"));
  });
});

describe("the closed parts of moleculer-io", () => {
  const closedEvents: [string, ...unknown[]][] = [
    ["call", "notifications.notify", { userId: "victim", text: "forged" }],
    ["call", "$node.options"],
    [
      "call",
      "notifications.broadcast",
      { event: "notification", args: [{}], rooms: ["user:victim"] },
    ],
    ["broadcast", "notification", {}],
    ["getClients", { room: "user:victim" }],
    ["join", "user:victim"],
    ["notification", { id: "x" }],
    ["inbox", {}],
    ["closing", {}],
    ["error", {}],
    ["toString"],
    ["__proto__", {}],
    ["constructor", {}],
  ];

  it.each([
    ["anonymous", async () => souk.anonymous().connects()],
    ["authorized", async () => souk.device(randomUUID())],
  ])("stay closed for an %s socket", async (_who, come) => {
    const victim = await souk.device("victim");
    const device = await come();

    for (const [event, ...args] of closedEvents)
      expect(await device.ask(event, ...args)).toEqual({
        ok: false,
        code: "NOT_FOUND",
        detail: expect.any(String),
      });

    const id = await notify("victim");
    await victim.shows(id);
    expect(victim.events.map(({ event }) => event)).toEqual(["inbox", "notification"]);
    expect(device.received("notification")).toEqual([]);
  });

  it("include every other namespace", async () => {
    const device = new Device(`${souk.url}/admin`, await souk.token(randomUUID()));

    await eventually(() =>
      expect(device.refusals).toMatchObject([{ message: "Invalid namespace" }]),
    );
    device.close();
  });

  it("include every other transport, path and file", async () => {
    const statuses = await Promise.all(
      ["/", "/socket.io/?EIO=4&transport=polling", "/socket.io/socket.io.js", "/health/live"].map(
        async (path) => (await fetch(souk.url + path)).status,
      ),
    );
    expect(statuses).toEqual([404, 400, 400, 404]);
  });

  it("tell clients of Socket.IO 2 and of polling what to change, before a WebSocket opens", async () => {
    const upgrade = {
      ...{ connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const origin = "http://localhost:5173";
    for (const [query, more, detail] of [
      ["EIO=3&transport=websocket", upgrade, /Socket\.IO 2 cannot connect/],
      ["transport=websocket", upgrade, /Socket\.IO 2 cannot connect/],
      ["EIO=3&transport=polling&t=x", {}, /Socket\.IO 2 cannot connect/],
      ["EIO=4&transport=polling", {}, /transports: \["websocket"\]/],
    ] as const) {
      const headers = { origin, ...more };
      const asked = request(`${souk.url}/socket.io/?${query}`, { headers }).end();
      const [answer] = (await once(asked, "response")) as [IncomingMessage];
      expect(answer.statusCode).toBe(400);
      expect(answer.headers).toMatchObject({
        "content-type": "application/problem+json; charset=utf-8",
        "access-control-allow-origin": origin,
      });
      expect(((await json(answer)) as { detail: string }).detail).toMatch(detail);
    }
  });

  it("refuse pages of other origins and accept our own page", async () => {
    const from = (origin: string) => souk.anonymous({ extraHeaders: { origin } });
    const [evil, unknown, localhost, own] = [
      from("http://evil.example"),
      from("null"),
      from("http://localhost:5173"),
      from("http://127.0.0.1:3000"),
    ];

    await own.connects();
    await localhost.connects();
    for (const { refusals, socket } of [evil, unknown]) {
      await eventually(() => expect(refusals.length).toBeGreaterThan(0));
      expect(socket.connected).toBe(false);
    }
  });
});

describe("an invalid event", () => {
  const payloads: unknown[] = [
    undefined,
    null,
    5,
    "all",
    true,
    [],
    [{ all: true }],
    {},
    { ids: "x" },
    { ids: [] },
    { ids: [5] },
    { ids: ["a.b"] },
    { ids: Array.from({ length: 101 }, (_, n) => `${n}`) },
    { all: true, extra: 1 },
    { all: true, until: { $gt: "" } },
    Buffer.from("all"),
    { ids: [Buffer.from("x")] },
    JSON.parse('{"__proto__": {"all": true}}'),
  ];

  it("is refused with BAD_DATA", async () => {
    const device = await souk.device(randomUUID());

    for (const payload of payloads)
      for (const event of ["read", "authorize"])
        expect(await device.ask(event, payload)).toEqual({
          ok: false,
          code: "BAD_DATA",
          detail: expect.any(String),
        });
    expect(await device.ask("read")).toMatchObject({ code: "BAD_DATA" });
  });

  it("has no effect without an acknowledgement", async () => {
    const user = randomUUID();
    const device = await souk.device(user);

    for (const payload of payloads)
      for (const event of ["read", "authorize", "nonsense"]) device.socket.emit(event, payload);
    for (const packet of ["2", "20", "2[5]", '21["read"]', "3", "31", "31[]", '31[{"ok":true}]'])
      device.write(packet);

    await device.shows(await notify(user));
    expect(device.disconnects).toEqual([]);
  });

  it("closes its own connection and no other", async () => {
    const user = randomUUID();
    const bystander = await souk.device(user);

    for (const packet of [
      "9",
      "2{}",
      '2["disconnect"]',
      '51-["read",{"_placeholder":true,"num":7}]',
      "0",
      "4",
      `2["nonsense","${"x".repeat(16 * 1024)}"]`,
    ]) {
      const device = await souk.device(randomUUID());
      device.write(packet);
      if (packet.startsWith("51-")) device.write("plain text where bytes were announced");
      await eventually(() => expect(device.disconnects.length).toBe(1));
    }

    await bystander.shows(await notify(user));
    expect(bystander.disconnects).toEqual([]);
  });

  it("is refused with UNAUTHENTICATED when it reads without a user", async () => {
    const device = await souk.anonymous().connects();

    expect(await device.ask("read", { all: true })).toMatchObject({
      ok: false,
      code: "UNAUTHENTICATED",
    });
  });
});

describe("a server that stops", () => {
  it("loses no stock client: each reconnects and receives its inbox", async () => {
    const user = randomUUID();
    const device = await souk.device(user);

    await souk.stop();
    await eventually(() => expect(device.disconnects).toEqual(["transport close"]));
    await souk.start();

    await device.receives("inbox", 2);
    await device.shows(await notify(user));
  });

  it("does not wait for a frozen client", async () => {
    const device = await souk.device(randomUUID());
    tcpSocketOf(device).pause();

    const began = runningTime();
    await souk.stop();

    expect(runningTime() - began).toBeLessThan(5000);
    await souk.start();
  });

  it("reports a port that is in use", async () => {
    await souk.stop();
    const squatter = createServer((connection) => connection.destroy()).listen(
      souk.port,
      "127.0.0.1",
    );
    await once(squatter, "listening");

    await expect(souk.start()).rejects.toThrow(`SOCKET_PORT ${souk.port} on 127.0.0.1 is taken`);

    await souk.stop();
    squatter.close();
    await once(squatter, "close");
    await souk.start();
  });
});
