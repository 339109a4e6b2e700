/**
 * Tens of thousands of requests, events and broken bytes against a market as a process: none may get a 5xx,
 * a late answer or one outside the contract, and none may disturb later requests. A failure prints the seed that repeats it.
 */
import { execFileSync } from "node:child_process";
import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import fc from "fast-check";
import type { TSchema } from "typebox";
import { checker } from "../../broker/validator.ts";
import { actions } from "../../contracts/actions.ts";
import { errors, Problem, type ErrorCode } from "../../contracts/errors.ts";
import { routes, type Route } from "../../contracts/routes.ts";
import { clientEvents } from "../../contracts/socket.ts";
import { fitting, hostile, nearly, torn, type Schema } from "../support/arbitraries.ts";
import { Client } from "../support/client.ts";
import type { Device } from "../support/device.ts";
import { startMarket, type Market } from "../support/market.ts";

const seed = Number(process.env.FUZZ_SEED) || Date.now() & 0x7fffffff;
/** The number of cases of each kind. They run in groups of concurrent cases. */
const cases = { http: 15_200, sockets: 4_000, bytes: 1_200 };
const atOnce = 40;
/** The contract's time limit (ms), and the growth that the market's memory may show (MB). */
const deadline = 10_000;
const growth = 150;

let market: Market;
let user: Client;
let bystander: Device;
const agent = new Agent({ keepAlive: true, maxSockets: atOnce });

beforeAll(async () => {
  console.log(`FUZZ_SEED=${seed} npm run test:slow -- test/slow/fuzz repeats this run`);
  // A small heap, so that a leak ends the process.
  market = await startMarket({ NODE_OPTIONS: "--max-old-space-size=256" });
  user = await Client.registered(market.api);
  await user.offer();
  bystander = market.device(user.session!.accessToken);
  await bystander.receives("inbox");
});
afterAll(async () => {
  agent.destroy();
  await market?.close();
});

/** Groups of cases, each group at once; a failing group is shrunk to the case that fails. */
async function check<T>(
  each: fc.Arbitrary<T>,
  count: number,
  judge: (one: T) => Promise<void>,
): Promise<void> {
  const group = fc
    .array(each, { minLength: 1, maxLength: atOnce, size: "max" })
    .filter((all) => all.length > 0);
  let tried = 0;
  const property = fc.asyncProperty(group, async (all) => {
    tried += all.length;
    await Promise.all(all.map(judge));
  });
  for (let round = 0; tried < count; round++)
    await fc.assert(property, {
      seed: seed + round,
      numRuns: 100,
      interruptAfterTimeLimit: 15_000,
    });
}

const schemas = Object.fromEntries(
  Object.entries(actions).map(([name, { params }]) => [name, params as Schema]),
);
const results = Object.fromEntries(
  Object.entries(actions).map(([name, { result }]) => [name, checker(result as TSchema)]),
);
const fits = Object.fromEntries(
  Object.entries(actions).map(([name, { params }]) => [name, checker(params as TSchema)]),
);
const isProblem = checker(Problem);
const problemKeys = ["type", "title", "status", "code", "detail", "requestId", "errors"];

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  took: number;
}

function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  const startedAt = Date.now();
  return new Promise((resolve, reject) => {
    const sent = request(market.api + path, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
          took: Date.now() - startedAt,
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function judgeProblem(text: string, status: number): void {
  const problem = JSON.parse(text) as Problem;
  expect(isProblem(problem)).toEqual([]);
  expect(Object.keys(problem).filter((key) => !problemKeys.includes(key))).toEqual([]);
  expect([problem.status, errors[problem.code].status]).toEqual([status, status]);
  expect(text).not.toMatch(/node_modules|\bat .*\.ts:\d|moleculer|nedb|mongo|typebox|jose/i);
}

const takesBody = ({ method }: Route) => method === "POST" || method === "PATCH";
/** Actions that hash passwords. They get few valid params, because hashing is slow. */
const slow = new Set(["users.register", "users.login", "users.changePassword"]);

interface Request {
  route: Route;
  params: unknown;
  token: "none" | "user" | "garbage";
  /** A raw body or query that replaces the params. */
  junk?: string;
}

const junk = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("{", "[]", "null", '{"a":1}x', "a=b&a=c&[]=1&%=", "x".repeat(40_000)),
);

const requestTo = (route: Route): fc.Arbitrary<Request> => {
  const schema = schemas[route.action]!;
  const params = slow.has(route.action)
    ? fc.oneof({ weight: 1, arbitrary: fitting(schema) }, { weight: 60, arbitrary: nearly(schema) })
    : fc.oneof(
        { weight: 3, arbitrary: fitting(schema) },
        { weight: 3, arbitrary: nearly(schema) },
        { weight: 1, arbitrary: hostile },
      );
  return fc.record({
    route: fc.constant(route),
    params,
    token: fc.constantFrom(
      "user" as const,
      "user" as const,
      "user" as const,
      "none" as const,
      "garbage" as const,
    ),
    junk: fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: junk },
    ),
  });
};

const property = (value: unknown, name: string) =>
  (value as Record<string, unknown> | null)?.[name];
const inUrl = (value: unknown) =>
  encodeURIComponent(
    (typeof value === "string" ? value : (JSON.stringify(value) ?? ""))
      .toWellFormed()
      .slice(0, 8_000),
  );

/** The path, headers and body of a case. */
function toHttp({ route, params, token, junk }: Request) {
  const id = property(params, "id");
  const path = route.path.replace(/:\w+/, id === undefined ? "1" : inUrl(id) || "x");
  const rest =
    typeof params === "object" && params !== null && !Array.isArray(params)
      ? { ...params, id: undefined }
      : params;
  const query =
    typeof rest === "object" && rest !== null
      ? Object.entries(rest).filter(([, value]) => value !== undefined)
      : [["x", rest]];
  const search =
    junk === undefined
      ? query.map(([name, value]) => `${inUrl(name)}=${inUrl(value)}`).join("&")
      : inUrl(junk).slice(0, 4_000);
  const authorization =
    token === "none"
      ? undefined
      : token === "user"
        ? `Bearer ${user.session!.accessToken}`
        : `Bearer ${inUrl(params).slice(0, 4_000)}`;
  const body = takesBody(route) ? (junk ?? JSON.stringify(rest)) : undefined;
  const headers = {
    ...(authorization && { authorization }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  return { path: takesBody(route) || !search ? path : `${path}?${search}`, headers, body };
}

const tally = new Map<string, number>();
const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1);

async function judgeRequest(one: Request): Promise<void> {
  const { route, token, junk, params } = one;
  const { path, headers, body } = toHttp(one);
  const answer = await ask(route.method, path, headers, body);
  count(`${route.action} ${answer.status}`);

  expect(answer.took).toBeLessThan(deadline);
  if (answer.status >= 500) throw new Error(`${route.method} ${path}: ${answer.text}`);
  if (answer.status !== route.success) {
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    return judgeProblem(answer.text, answer.status);
  }
  expect(route.who === "user" && token !== "user").toBe(false);
  expect(results[route.action]!(answer.text ? JSON.parse(answer.text) : null)).toEqual([]);
  // Params that the contract refuses never succeed. A query is exempt: its values become texts, which may be valid.
  if (junk === undefined && takesBody(route) && property(params, "id") !== undefined)
    expect(fits[route.action]!(params)).toEqual([]);
}

type Packet = { event: string; args: unknown[]; isAnonymous: boolean } | { raw: string };

const packets: fc.Arbitrary<Packet> = fc.oneof(
  ...Object.entries(clientEvents).map(([event, { payload }]) =>
    fc.record({
      event: fc.constant(event),
      args: fc.oneof(
        fitting(payload as Schema).map((one) => [one]),
        nearly(payload as Schema).map((one) => [one]),
        fc.array(hostile, { maxLength: 3 }),
      ),
      isAnonymous: fc.boolean(),
    }),
  ),
  fc.record({
    event: fc
      .oneof(
        fc.string({ minLength: 1 }),
        fc.constantFrom(
          "call",
          "broadcast",
          "join",
          "inbox",
          "notification",
          "__proto__",
          "toString",
        ),
      )
      .filter(
        // Reserved by the client library.
        (event) =>
          ![
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
          ].includes(event),
      ),
    args: fc.array(hostile, { maxLength: 3 }),
    isAnonymous: fc.boolean(),
  }),
  {
    weight: 1,
    arbitrary: torn('42["read",{"ids":["a"]}]').map((bytes) => ({ raw: bytes.toString("latin1") })),
  },
  {
    weight: 1,
    arbitrary: torn('451-7["read",{"_placeholder":true,"num":0}]').map((bytes) => ({
      raw: bytes.toString("latin1").slice(1),
    })),
  },
);

const isRefused = ({ ok, code, detail }: { ok?: unknown; code?: unknown; detail?: unknown }) =>
  ok === false && typeof detail === "string" && Object.hasOwn(errors, String(code));

/** Sockets to reuse. One that the server closed after a broken packet is replaced. */
const pools: Record<"anonymous" | "authorized", Device[]> = { anonymous: [], authorized: [] };

async function socketFor(isAnonymous: boolean): Promise<Device> {
  const pool = pools[isAnonymous ? "anonymous" : "authorized"];
  const ready = pool.pop();
  if (ready?.socket.connected) return ready;
  ready?.close();
  return market.device(isAnonymous ? undefined : user.session!.accessToken).connects();
}

async function judgePacket(packet: Packet): Promise<void> {
  if ("raw" in packet) {
    const device = await socketFor(false);
    device.write(packet.raw);
    count("raw packet");
    return device.close();
  }
  const { event, args, isAnonymous } = packet;
  const known = Object.hasOwn(clientEvents, event)
    ? clientEvents[event as keyof typeof clientEvents]
    : undefined;
  const device = await socketFor(isAnonymous);
  const startedAt = Date.now();
  const answer = (await device.socket
    .timeout(deadline)
    .emitWithAck(event, ...args)
    .catch((error: unknown) =>
      device.socket.connected ? Promise.reject(error as Error) : "closed",
    )) as Record<string, unknown> | "closed";
  expect(Date.now() - startedAt).toBeLessThan(deadline);
  if (answer === "closed") {
    count(`${known ? event : "unknown event"} closed`);
    // A packet that is too large closes it, and so does time without a user.
    return expect(
      JSON.stringify(args).length > 15_000 ||
        (isAnonymous && device.received("closing").length > 0),
    ).toBe(true);
  }
  count(`${known ? event : "unknown event"} ${String(answer.code ?? "ok")}`);
  expect(answer.code === undefined || errors[answer.code as ErrorCode]?.status < 500).toBe(true);
  if (!isRefused(answer)) {
    expect(known && checker(known.ack)(answer)).toEqual([]);
    expect(isAnonymous).toBe(false);
  }
  if (device.socket.connected) pools[isAnonymous ? "anonymous" : "authorized"].push(device);
}

const requests = (token: string) => [
  `GET /market/items?limit=5&sold=true HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
  `GET /users/me HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
  `POST /market/items HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 21\r\nConnection: close\r\n\r\n{"title":"T","price":1}`,
  `POST /users/refresh HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{"refreshToken":"r"}\r\n0\r\n\r\n`,
];
const upgrade =
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** Sends the bytes, closes its side, and resolves with everything that it received. */
function throwAt(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.setTimeout(deadline, () =>
      reject(new Error(`Nothing happens after ${JSON.stringify(bytes.toString("latin1"))}`)),
    );
    socket.on("data", (data) => (received += data.toString("latin1")));
    socket.on("error", () => {}).on("close", () => (socket.destroy(), resolve(received)));
  });
}

async function judgeBytes({
  bytes,
  isSocket,
}: {
  bytes: Buffer;
  isSocket: boolean;
}): Promise<void> {
  const { port } = new URL(isSocket ? market.sockets : market.api);
  const received = await throwAt(Number(port), bytes);
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  count(`bytes ${statuses[0] ?? "closed"}`);
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
  if (isSocket || statuses.length !== 1 || statuses[0]! < 400) return;
  const body = received.slice(received.indexOf("\r\n\r\n") + 4);
  // The response to HEAD has no body.
  if (body) judgeProblem(body, statuses[0]!);
}

/** The memory of the market's process (MB). */
const memory = () =>
  Number(execFileSync("ps", ["-o", "rss=", "-p", `${market.child.pid}`], { encoding: "utf8" })) /
  1024;

describe("hostile input", () => {
  let before: number;
  const bytesOf = fc.oneof(
    fc
      .constantFrom(...["GET", "me", "offer", "refresh"].keys())
      .chain((n) => torn(requests("x.y.z")[n]!))
      .map((bytes) => ({ bytes, isSocket: false })),
    torn(upgrade).map((bytes) => ({ bytes, isSocket: true })),
    fc.record({
      bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      isSocket: fc.boolean(),
    }),
  );

  it("as a request to a route is answered in time, by the contract, and never with a 5xx", async () => {
    const one = fc.oneof(...routes.map(requestTo));
    await check(one, 2_000, judgeRequest);
    before = memory();
    await check(one, cases.http - 2_000, judgeRequest);
  });

  it("as an event or a packet of a socket is acknowledged by the contract, or closes only that socket", async () => {
    await check(packets, cases.sockets, judgePacket);
    expect(bystander.disconnects).toEqual([]);
  });

  it("as bytes that are almost HTTP is answered or closed", async () => {
    await check(bytesOf, cases.bytes, judgeBytes);
  });

  it("leaves a market that works, has not grown and has logged no error", async () => {
    const item = await user.offer();
    const buyer = await Client.registered(market.api);
    const { status, body } = await buyer.call<{ saleId: string }>("POST", `/market/buy/${item.id}`);
    expect(status).toBe(200);
    await bystander.shows(body.saleId);
    expect(market.output()).not.toMatch(/ERROR|FATAL|INTERNAL|Unhandled|Warning/);
    console.log(
      [...tally]
        .sort()
        .map(([what, times]) => `${what}: ${times}`)
        .join("\n"),
      `\n${Math.round(before)} → ${Math.round(memory())} MB`,
    );
    expect([...tally.values()].reduce((sum, times) => sum + times)).toBeGreaterThanOrEqual(20_000);
    // Garbage counts too, because it is collected only when the heap is full.
    expect(memory() - before).toBeLessThan(growth);
  });
});
