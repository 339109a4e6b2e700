/** The default limits. Clients' addresses come from the header of a trusted proxy, so that each test can use its own. */
import { randomUUID } from "node:crypto";
import { once, type EventEmitter } from "node:events";
import type { Server } from "node:http";
import { connect, type Socket } from "node:net";
import type { ServiceBroker } from "moleculer";
import type { Problem } from "../../contracts/errors.ts";
import { authorizeWithin } from "../../contracts/socket.ts";
import type { Session } from "../../contracts/users.ts";
import { rateLimits } from "../../edge/policy/limits.ts";
import { maxUnanswered } from "../../edge/pipelining.ts";
import type { SocketServer } from "../../edge/sockets/rooms.ts";
import { Device } from "../support/device.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { runningTime } from "../support/running-time.ts";

const folder = temporaryFolder();
const devices: Device[] = [];
let broker: ServiceBroker;
let api: string;
let sockets: string;

beforeAll(async () => {
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "fatal",
    TRUSTED_PROXIES: "1",
  });
  const { startNode } = await import("../../bin/node.ts");
  broker = await startNode([], { started: () => {} });
  const at = (service: string) =>
    (broker.getLocalService(service) as unknown as { address(): { port: number } }).address().port;
  [api, sockets] = [`http://127.0.0.1:${at("api")}`, `http://127.0.0.1:${at("notifications")}`];
});
afterAll(async () => {
  for (const device of devices) device.close();
  await broker.stop();
  folder.remove();
});

let addresses = 0;
/** An address that no other test uses. */
const newAddress = () => `10.${++addresses >> 16}.${(addresses >> 8) & 255}.${addresses & 255}`;
const password = "correct horse battery";

interface Answer<T> {
  status: number;
  code: string | undefined;
  retryAfter: number;
  body: T;
}

async function post<T = Problem>(
  from: string,
  path: string,
  body: object,
  token?: string,
): Promise<Answer<T>> {
  const headers = {
    "content-type": "application/json",
    "x-forwarded-for": from,
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(api + path, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  const answer = JSON.parse(text || "{}") as T & Problem;
  return {
    status: response.status,
    code: answer.code,
    retryAfter: Number(response.headers.get("retry-after")),
    body: answer,
  };
}

const many = <T>(count: number, work: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));
const login = (from: string, email: string, guess = password) =>
  post<Session>(from, "/users/login", { email, password: guess });
const register = (from: string, email = `${randomUUID()}@souk.test`) =>
  post<Session>(from, "/users", { email, password, name: "N" });
const registered = async () => (await register(newAddress())).body;
/** The number of responses with each status. */
const tally = (answers: { status: number }[]) =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, group]) => [
      status,
      group.length,
    ]),
  );

/** A response above the limit: 429, with a Retry-After within the window. */
function expectTooMany(answer: Answer<unknown>, { seconds }: { seconds: number }): void {
  expect([answer.status, answer.code]).toEqual([429, "TOO_MANY_REQUESTS"]);
  expect(answer.retryAfter).toBeGreaterThanOrEqual(1);
  expect(answer.retryAfter).toBeLessThanOrEqual(seconds);
}

describe("requests in a pipeline", () => {
  const some = (count: number) => "GET /health/live HTTP/1.1\r\nhost: h\r\n\r\n".repeat(count);
  /** The number of responses until the connection is closed, or until there are `count`. */
  const answersTo = (port: string, text: string, count: number) =>
    new Promise<number>((resolve) => {
      let received = "";
      const socket = connect(Number(port), "127.0.0.1", () => socket.write(text));
      const answers = () => received.split("HTTP/1.1 ").length - 1;
      socket.on("data", (data) => {
        received += data.toString("latin1");
        if (answers() >= count) socket.destroy();
      });
      socket.on("error", () => {}).on("close", () => resolve(answers()));
    });

  it("are answered up to 16 at a time; with more, their connection is closed", async () => {
    const pipelined = (base: string, count: number) =>
      answersTo(new URL(base).port, some(count), maxUnanswered);

    expect(await pipelined(api, maxUnanswered)).toBe(maxUnanswered);
    expect(await pipelined(sockets, maxUnanswered)).toBe(maxUnanswered);
    expect(await pipelined(api, maxUnanswered + 1)).toBeLessThan(maxUnanswered);
    expect(await pipelined(sockets, maxUnanswered + 1)).toBeLessThan(maxUnanswered);
  });

  it("above the limit are not even parsed", async () => {
    const { server } = broker.getLocalService("api") as unknown as { server: Server };
    let handled = 0;
    const count = () => handled++;
    server.on("request", count);

    await answersTo(new URL(api).port, some(1_500), 1_500);

    server.off("request", count);
    expect(handled).toBe(maxUnanswered);
  });
});

describe("sign-ins", () => {
  const bound = rateLimits.failuresByNetworkAndAccount;

  it.each([
    ["an account", async () => (await registered()).user.email],
    ["no account, alike", async () => `${randomUUID()}@souk.test`],
  ])(
    "that fail for %s are limited to ten a minute from one network, also at once; then the right password is refused too",
    async (_what, whose) => {
      const [from, email] = [newAddress(), await whose()];

      const answers = await many(25, (n) =>
        login(from, n % 2 ? email : email.toUpperCase(), "not the password"),
      );

      expect(tally(answers)).toEqual({ 401: 10, 429: 15 });
      expectTooMany(await login(from, email), bound);
      const other = await login(newAddress(), email);
      expect([200, 401]).toContain(other.status);
    },
  );

  it("that succeed do not count as failures", async () => {
    const [from, { user }] = [newAddress(), await registered()];
    await many(bound.max - 1, () => login(from, user.email, "not the password"));

    for (let n = 0; n < 5; n++) expect((await login(from, user.email)).status).toBe(200);

    expect((await login(from, user.email, "not the password")).status).toBe(401);
    expectTooMany(await login(from, user.email), bound);
  });

  it("to one account are limited over all networks, counting only correct passwords", async () => {
    const { user } = await registered();
    const { signInsByAccount } = rateLimits;
    for (let n = 0; n < signInsByAccount.max; n++)
      expect((await login(newAddress(), user.email)).status).toBe(200);

    const above = await login(newAddress(), user.email);
    const guess = await login(newAddress(), user.email, "not the password");

    expectTooMany(above, signInsByAccount);
    expect(guess.code).toBe("INVALID_CREDENTIALS");
  });

  it("that strangers fail from many networks do not lock the owner out", async () => {
    const { user } = await registered();
    const strangers = Array.from(
      { length: rateLimits.failuresByAccount.max / bound.max },
      newAddress,
    );
    for (const from of strangers)
      await many(bound.max, () => login(from, user.email, "not the password"));
    const late = newAddress();

    const guesses = await many(10, () => login(late, user.email, "not the password"));
    const owner = newAddress();
    const mistyped = await login(owner, user.email, "almost the password");

    expect(tally(guesses)).toEqual({
      401: rateLimits.failuresUnderAttack.max,
      429: 10 - rateLimits.failuresUnderAttack.max,
    });
    expect(mistyped.status).toBe(401);
    expect((await login(owner, user.email)).status).toBe(200);
  });

  it("that fail from one network are limited over all accounts, except a few for each that was used from it", async () => {
    const from = newAddress();
    const { user } = await registered();
    const { user: neighbour } = (await register(from)).body;

    const answers: Answer<Session>[] = [];
    // Few enough at once that a slow machine hashes them in time.
    while (answers.length < rateLimits.failuresByNetwork.max)
      answers.push(
        ...(await many(20, () => login(from, `${randomUUID()}@souk.test`, "not the password"))),
      );

    expect(tally(answers)).toEqual({ 401: rateLimits.failuresByNetwork.max });
    expectTooMany(await login(from, user.email), rateLimits.failuresByNetwork);
    expect((await login(from, neighbour.email)).status).toBe(200);
    const guesses = await many(10, () => login(from, neighbour.email, "not the password"));
    const { max } = rateLimits.failuresUnderAttack;
    expect(tally(guesses)).toEqual({ 401: max, 429: 10 - max });
    expect((await login(newAddress(), user.email)).status).toBe(200);
  });

  it("count together for an IPv6 /64", async () => {
    const email = `${randomUUID()}@souk.test`;

    const answers = await many(20, (n) =>
      login(`2001:db8:0:${addresses}::${n}`, email, "not the password"),
    );

    expect(tally(answers)).toEqual({ 401: 10, 429: 10 });
  });

  it("count for the address that the proxy appended, not for one that the client forged", async () => {
    const [from, email] = [newAddress(), `${randomUUID()}@souk.test`];

    const answers = await many(20, (n) => login(`8.8.8.${n}, ${from}`, email, "not the password"));

    expect(tally(answers)).toEqual({ 401: 10, 429: 10 });
  });

  it("are not starved by a flood from one network, before or after it", async () => {
    const [flooder, { user }] = [newAddress(), await registered()];
    const before = many(10, () => login(newAddress(), user.email));
    const flood = Array.from({ length: 300 }, () => register(flooder));
    // The others are waiting by then.
    await Promise.race(flood);
    const during = many(10, () => login(newAddress(), user.email));

    expect(tally(await before)).toEqual({ 200: 10 });
    expect(tally(await during)).toEqual({ 200: 10 });
    for (const { status } of await Promise.all(flood)) expect([201, 429, 503]).toContain(status);
  });
});

describe("a sign-up", () => {
  it("is limited by network, for new and existing accounts; other networks are not affected", async () => {
    const { max } = rateLimits.registrationsByNetwork;
    const [from, { user }] = [newAddress(), await registered()];
    const answers: Answer<Session>[] = [];
    while (answers.length < max + 20)
      answers.push(...(await many(20, () => register(from, user.email))));

    expect(tally(answers)).toEqual({ 409: max, 429: 20 });
    expectTooMany(answers.at(-1)!, rateLimits.registrationsByNetwork);
    expect((await register(newAddress())).status).toBe(201);
  });

  it("works for a hundred people at once from one network, some after a retry", async () => {
    const from = newAddress();
    const patient = async () => {
      for (;;) {
        const answer = await register(from);
        if (answer.status !== 503) return answer;
      }
    };

    expect(tally(await many(100, patient))).toEqual({ 201: 100 });
  });

  it.each(["password1", "12345678", "Qwertyuiop", "P@ssw0rd!"])(
    "with the common password %s is refused",
    async (common) => {
      const answer = await post(newAddress(), "/users", {
        email: `${randomUUID()}@souk.test`,
        password: common,
        name: "N",
      });

      expect([answer.status, answer.code]).toEqual([400, "BAD_DATA"]);
      expect(answer.body.errors).toEqual([
        { field: "password", message: expect.any(String), rule: "common" },
      ]);
    },
  );
});

describe("a refresh", () => {
  it("is limited by session over all networks", async () => {
    const { max } = rateLimits.refreshesBySession;
    const token = `${randomUUID()}.${randomUUID()}.x.y`;

    const answers = await many(max + 10, () =>
      post(newAddress(), "/users/refresh", { refreshToken: token }),
    );

    expect(tally(answers)).toEqual({ 401: max, 429: 10 });
    expectTooMany(
      answers.find(({ status }) => status === 429)!,
      rateLimits.refreshesBySession,
    );
  });

  it("is limited by network", async () => {
    const { max } = rateLimits.refreshesByNetwork;
    const from = newAddress();

    const answers = await many(max + 10, () =>
      post(from, "/users/refresh", { refreshToken: `${randomUUID()}.${randomUUID()}.x.y` }),
    );

    expect(tally(answers)).toEqual({ 401: max, 429: 10 });
    const { refreshToken } = await registered();
    expect((await post(newAddress(), "/users/refresh", { refreshToken })).status).toBe(200);
  });
});

describe("a change of password", () => {
  it("is limited to ten attempts a minute of a user over all networks", async () => {
    const { accessToken } = await registered();
    const change = (guess: string) =>
      post(
        newAddress(),
        "/users/password",
        { password: guess, newPassword: "another one, longer" },
        accessToken,
      );

    const answers = await many(rateLimits.passwordChangesByUser.max + 5, () =>
      change("not the password"),
    );

    expect(tally(answers)).toEqual({ 403: rateLimits.passwordChangesByUser.max, 429: 5 });
    expectTooMany(await change(password), rateLimits.passwordChangesByUser);
  });

  it("to the present one is refused", async () => {
    const { accessToken } = await registered();

    const change = { password, newPassword: password };
    const answer = await post(newAddress(), "/users/password", change, accessToken);

    expect([answer.status, answer.body.errors]).toEqual([
      400,
      [{ field: "newPassword", message: "is the present password", rule: "present" }],
    ]);
  });

  it("to a common one is refused", async () => {
    const { accessToken } = await registered();

    const answer = await post(
      newAddress(),
      "/users/password",
      { password, newPassword: "iloveyou123" },
      accessToken,
    );

    expect([answer.status, answer.body.errors]).toEqual([
      400,
      [{ field: "newPassword", message: expect.any(String), rule: "common" }],
    ]);
  });
});

/** The WebSocket of a stock client. */
const wireOf = ({ socket }: Device) =>
  (socket.io.engine as unknown as { transport: { ws: WebSocket } }).transport
    .ws as unknown as EventEmitter & {
    ping(data: string): void;
    _socket: Socket;
    send(data: string, options: { fin: boolean }): void;
    pause(): void;
    resume(): void;
  };

describe("a socket", () => {
  const forGood = "io server disconnect";
  const tooMany = { ok: false, code: "TOO_MANY_REQUESTS", detail: expect.any(String) };
  const device = (from: string, token?: string) => {
    const made = new Device(sockets, token, { extraHeaders: { "x-forwarded-for": from } });
    devices.push(made);
    return made;
  };

  it("that sends too many events is refused, then closed for good; other sockets of its user are not affected", async () => {
    const { accessToken } = await registered();
    const [flooder, other] = [device(newAddress(), accessToken), device(newAddress(), accessToken)];
    await Promise.all([flooder.receives("inbox"), other.receives("inbox")]);
    const { max } = rateLimits.eventsByConnection;

    const answers = await many(max + 20, () => flooder.ask("read", { ids: ["x"] }));

    expect(answers.slice(0, max)).toEqual(Array(max).fill({ ids: ["x"], unread: 0 }));
    expect(answers.slice(max)).toEqual(Array(20).fill(tooMany));
    for (let n = 0; n < rateLimits.packetsByConnection.max; n++)
      flooder.socket.emit("read", { ids: ["x"] });
    expect(await flooder.receives("closing")).toEqual({ code: "TOO_MANY_REQUESTS" });
    await eventually(() =>
      expect([flooder.disconnects, flooder.socket.active]).toEqual([[forGood], false]),
    );
    expect(await other.ask("read", { ids: ["x"] })).toEqual({ ids: ["x"], unread: 0 });
  });

  it("that floods with packets that are not events is closed for good", async () => {
    const flooder = await device(newAddress()).connects();

    for (let n = 0; n <= rateLimits.packetsByConnection.max; n++) flooder.write('31[{"ok":true}]');

    expect(await flooder.receives("closing")).toEqual({ code: "TOO_MANY_REQUESTS" });
    await eventually(() => expect(flooder.disconnects).toEqual([forGood]));
  });

  it("that splits a message into many frames is closed", async () => {
    const flooder = await device(newAddress()).connects();
    const closeCode = new Promise((resolve) => wireOf(flooder).once("close", resolve));
    const packet = '42["heartbeat"]'.padEnd(17);

    for (let n = 0; n < 17; n++) wireOf(flooder).send(packet[n]!, { fin: n === 16 });

    expect(await closeCode).toBe(1008);
  });

  it("gets one pong for the WebSocket pings that the server reads at once, with the content of the last", async () => {
    const pinging = await device(newAddress()).connects();
    const pongs: string[] = [];
    wireOf(pinging).on("pong", (data: Buffer) => pongs.push(data.toString()));

    const raw = wireOf(pinging)._socket;
    raw.cork();
    for (let n = 0; n < 100; n++) wireOf(pinging).ping(String(n));
    raw.uncork();

    await eventually(() => expect(pongs.at(-1)).toBe("99"));
    expect(pongs.length).toBeLessThan(10);
  });

  it("that floods with WebSocket pings is closed for good, also when it does not read", async () => {
    const [flooder, stalled] = await Promise.all([
      device(newAddress()).connects(),
      device(newAddress()).connects(),
    ]);
    const ended = new Promise((resolve) => wireOf(stalled).once("close", resolve));

    wireOf(stalled).pause();
    for (const each of [flooder, stalled])
      for (let n = 0; n <= rateLimits.packetsByConnection.max; n++)
        wireOf(each).ping("x".repeat(125));

    expect(await flooder.receives("closing")).toEqual({ code: "TOO_MANY_REQUESTS" });
    await eventually(() => expect(flooder.disconnects).toEqual([forGood]));
    wireOf(stalled).resume();
    await ended;
  });

  it.each([
    ["pings", Buffer.from([0x89, 0x80, 0, 0, 0, 0])],
    ["messages", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x36])],
  ])("that floods with %s is not even parsed above the limit", async (_kind, frame) => {
    const flooder = await device(newAddress()).connects();
    const { io } = broker.getLocalService("notifications") as unknown as { io: SocketServer };
    const { conn } = [...io.sockets.sockets.values()].find(({ id }) => id === flooder.socket.id)!;
    let parsed = 0;
    const webSocket = (conn.transport as unknown as { socket: EventEmitter & { _socket: Socket } })
      .socket;
    for (const event of ["ping", "message"]) webSocket.on(event, () => parsed++);
    const ended = once(webSocket._socket, "close");

    // While the connection is being closed too.
    const raw = wireOf(flooder)._socket;
    for (let n = 0; n < 200; n++) raw.write(Buffer.alloc(frame.length * 1_000, frame));

    await ended;
    expect(parsed).toBeGreaterThan(0);
    expect(parsed).toBeLessThanOrEqual(rateLimits.packetsByConnection.max + 1);
  });

  describe("that does not read", () => {
    let paused: ReturnType<typeof wireOf>;
    afterEach(() => paused.resume());

    /** A socket that stops reading, its connection on the server, another socket of the user, and functions that send to both. */
    async function stalled() {
      const { user, accessToken, refreshToken } = await registered();
      const [stalled, other] = [
        device(newAddress(), accessToken),
        device(newAddress(), accessToken),
      ];
      await Promise.all([stalled.receives("inbox"), other.receives("inbox")]);
      const { io } = broker.getLocalService("notifications") as unknown as { io: SocketServer };
      const { conn } = [...io.sockets.sockets.values()].find(({ id }) => id === stalled.socket.id)!;
      paused = wireOf(stalled);
      paused.pause();
      const notice = {
        userId: user.id,
        text: "x".repeat(1_000),
        data: { text: "x".repeat(8_000) },
      };
      const notify = () => broker.call<{ id: string }, object>("notifications.notify", notice);
      const signOut = () => post(newAddress(), "/users/logout", { refreshToken }, accessToken);
      return {
        connection: (conn.transport as unknown as { socket: { _socket: Socket } }).socket._socket,
        notify,
        other,
        signOut,
      };
    }

    it("is terminated within 4 s of the end of its session, without a closing handshake", async () => {
      const { connection, signOut } = await stalled();
      const ended = once(connection, "close");

      await signOut();
      const startedAt = runningTime();
      await ended;

      expect(runningTime() - startedAt).toBeLessThan(4_000);
    });

    it("is closed when too many bytes are unsent; other sockets of its user are not affected", async () => {
      const { connection, notify, other } = await stalled();
      const ended = once(connection, "close");

      for (let n = 0; n < 200 && !connection.destroyed; n++) await many(10, notify);
      await ended;

      await other.shows((await notify()).id);
      expect(other.disconnects).toEqual([]);
    });
  });

  it("shares the events of its user", async () => {
    const { accessToken } = await registered();
    const theirs = Array.from({ length: 3 }, () => device(newAddress(), accessToken));
    await Promise.all(theirs.map((one) => one.receives("inbox")));

    const answers = await Promise.all(
      theirs.map((one) => many(90, () => one.ask("read", { ids: ["x"] }))),
    );

    expect(answers.flat().filter((answer) => !("code" in (answer as object)))).toHaveLength(
      rateLimits.eventsByUser.max,
    );
    expect(theirs.flatMap(({ disconnects }) => disconnects)).toEqual([]);
  });

  it("shares the events of its network, and is not closed for exceeding them", async () => {
    const from = newAddress();
    const { max } = rateLimits.eventsByNetwork;
    const each = rateLimits.eventsByConnection.max;
    const connected = await Promise.all(
      Array.from({ length: max / each + 2 }, () => device(from).connects()),
    );

    const answers = await Promise.all(
      connected.map((one) => many(each, () => one.ask("read", { all: true }))),
    );

    const codes = answers.flat().map((answer) => (answer as { code: string }).code);
    expect(codes.filter((code) => code === "UNAUTHENTICATED")).toHaveLength(max);
    expect(codes.filter((code) => code === "TOO_MANY_REQUESTS")).toHaveLength(codes.length - max);
    expect(connected.flatMap(({ disconnects }) => disconnects)).toEqual([]);
  });

  it("may try to authorize ten times a minute", async () => {
    const { accessToken } = await registered();
    const trying = await device(newAddress()).connects();

    const answers = await many(rateLimits.authorizationsByConnection.max, () =>
      trying.ask("authorize", { token: "garbage" }),
    );

    expect(answers).toEqual(
      Array(10).fill({ ok: false, code: "UNAUTHENTICATED", detail: expect.any(String) }),
    );
    expect(await trying.ask("authorize", { token: accessToken })).toEqual(tooMany);
  });

  it("whose handshake is refused is disconnected, and cannot try another token", async () => {
    const refused = device(newAddress(), "garbage");
    const ended = new Promise((resolve) =>
      refused.socket.io.once("open", () => refused.socket.io.engine.once("close", resolve)),
    );
    // A stock client would close the connection itself; this one keeps it.
    refused.socket.io.on(
      "open",
      () => (refused.socket.io.engine.close = () => refused.socket.io.engine),
    );

    const startedAt = runningTime();
    await ended;

    // Well before the time limit for authorization.
    expect(runningTime() - startedAt).toBeLessThan((authorizeWithin * 1000) / 2);
    expect(refused.refusals).toMatchObject([{ data: { code: "UNAUTHENTICATED" } }]);
  });
});
