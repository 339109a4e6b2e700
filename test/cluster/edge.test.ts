import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer,
  request,
  Server as HttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import { connect, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import { errors, Problem, type ErrorCode } from "../../contracts/errors.ts";
import { fixedHeaders } from "../../edge/headers.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import Value from "typebox/value";

/**
 * deploy/nginx.conf in a real nginx, between real clients and small servers in place of api and notifications. Ports and
 * folders are replaced, and Docker's DNS by one that this test can change; all other lines are those that are deployed.
 */
const nginx = process.env.NGINX ?? "nginx";

interface Edge {
  origin: string;
  live: string;
  /** Addresses by container name, as in Docker's DNS. A missing name is unknown. */
  names: Map<string, string[]>;
  /** Its error log so far. */
  errorLog: () => string;
  apiPort: number;
  socketPort: number;
  close: () => Promise<void>;
}

/** Connections of one address: fewer than as deployed, so that the test is cheap. */
const connectionLimit = 60;
/** Headers of every response that api sends: the edge's own responses have the same. */
const policy = Object.fromEntries(
  [
    ...["content-security-policy", "permissions-policy", "referrer-policy", "x-frame-options"],
    ...["x-content-type-options", "cross-origin-resource-policy", "cache-control"],
  ].map((name) => [name, fixedHeaders[name]]),
);

let edge: Edge;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  edge.names.clear();
});

describe("HTTP through the edge", () => {
  it("reaches api unchanged, and so does the response the client", async () => {
    const seen: Seen[] = [];
    await api(async (req, res) => {
      seen.push(await recordOf(req));
      res
        .writeHead(409, { "content-type": "application/problem+json", "x-own": "kept" })
        .end('{"code":"EMAIL_TAKEN"}');
    });

    const answer = await send("/users?a=%2F", {
      method: "POST",
      headers: { host: "souk.example", authorization: "Bearer x" },
      body: "{}",
    });

    expect(seen).toMatchObject([
      {
        method: "POST",
        url: "/users?a=%2F",
        body: 2,
        headers: { host: "souk.example", authorization: "Bearer x" },
      },
    ]);
    expect(answer).toMatchObject({
      status: 409,
      body: '{"code":"EMAIL_TAKEN"}',
      headers: { "x-own": "kept" },
    });
  });

  it("does not reveal the version of nginx", async () => {
    await api((_, res) => res.end());

    expect((await send("/")).headers.server).toBe("nginx");
    expect((await send("/socket.io/")).headers.server).toBe("nginx");
  });

  it("appends the client's address after anything that the client claims", async () => {
    const seen: Seen[] = [];
    await api(async (req, res) => {
      seen.push(await recordOf(req));
      res.end();
    });

    await send("/");
    await send("/", { headers: { "x-forwarded-for": "203.0.113.9, 10.0.0.1" } });

    expect(seen.map(({ headers }) => headers["x-forwarded-for"])).toEqual([
      "127.0.0.1",
      "203.0.113.9, 10.0.0.1, 127.0.0.1",
    ]);
  });

  it("passes a body of 32 KB and refuses one of 40 KB before api receives it", async () => {
    const seen: Seen[] = [];
    await api(async (req, res) => {
      seen.push(await recordOf(req));
      res.end();
    });

    const fits = await send("/users", { method: "POST", body: "x".repeat(32 * 1024) });
    const tooLarge = await send("/users", { method: "POST", body: "x".repeat(40 * 1024) });

    expect(fits.status).toBe(200);
    problem(tooLarge, "TOO_LARGE");
    expect(seen.map(({ body }) => body)).toEqual([32 * 1024]);
  });
});

describe("a request that the edge refuses itself", () => {
  const get = (path: string, headers = "") =>
    `GET ${path} HTTP/1.1\r\nhost: h\r\n${headers}connection: close\r\n\r\n`;

  it.each<[string, ErrorCode, string]>([
    ["bytes that are not HTTP", "BAD_DATA", "hello\r\n\r\n"],
    ["HTTP/1.1 without a host", "BAD_DATA", "GET / HTTP/1.1\r\nconnection: close\r\n\r\n"],
    ["two hosts", "BAD_DATA", get("/", "host: i\r\n")],
    ["an unknown coding", "BAD_DATA", get("/", "transfer-encoding: gzip, chunked\r\n")],
    [
      "chunks in HTTP/1.0",
      "BAD_DATA",
      get("/", "transfer-encoding: chunked\r\n").replace("1.1", "1.0"),
    ],
    ["TRACE", "METHOD_NOT_ALLOWED", get("/").replace("GET", "TRACE")],
    ["a long path", "TOO_LARGE", get(`/${"x".repeat(9_000)}`)],
    ["a long header", "TOO_LARGE", get("/", `x: ${"x".repeat(9_000)}\r\n`)],
    ["a large body", "TOO_LARGE", get("/", "content-length: 100000\r\n").replace("GET", "POST")],
    ["no api", "UNAVAILABLE", get("/")],
  ])("%s: gets problem details and the headers of api", async (_what, code, bytes) => {
    const answer = await raw(bytes);

    problem(answer, code);
    expect(answer.headers).toMatchObject({
      ...policy,
      "access-control-allow-origin": "*",
      "x-request-id": expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(answer.headers["retry-after"]).toBe(code === "UNAVAILABLE" ? "1" : undefined);
  });

  it("does not show its problems at their paths", async () => {
    await api((_, res) => res.end("api"));

    expect(await send("/problem/503")).toMatchObject({ status: 404 });
  });
});

describe("connections", () => {
  it("of one address are limited, also without a request; other addresses are served", async () => {
    await api((_, res) => res.end("on"));
    const { port } = new URL(edge.origin);
    let closed = 0;
    const flood = Array.from({ length: connectionLimit + 20 }, () =>
      connect({ port: Number(port), host: "127.0.0.1", localAddress: "127.0.0.8" })
        .on("error", () => {})
        .on("close", () => closed++)
        .resume(),
    );
    closing.push(() => flood.forEach((socket) => socket.destroy()));

    await eventually(() => expect(closed).toBe(20));

    expect(await send("/")).toMatchObject({ status: 200, body: "on" });
  });
});

describe("an unavailable api", () => {
  it("is a 503 with Retry-After, for an unknown name and for a closed port", async () => {
    const when = (reason: string) =>
      eventually(async () => {
        const answer = await send("/market/items");
        expect(edge.errorLog()).toContain(reason);
        return answer;
      });
    const unknown = await when("api could not be resolved");
    edge.names.set("api", ["127.0.0.9"]);
    const refused = await when(`127.0.0.9:${edge.apiPort}`);

    for (const answer of [unknown, refused]) {
      problem(answer, "UNAVAILABLE");
      expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    }
  });

  it("does not make the edge unhealthy", async () => {
    expect((await fetch(edge.live)).status).toBe(204);
  });

  it("is found at a new address within seconds, without a reload", async () => {
    const stopFirst = await api((_, res) => res.end("here"), "127.0.0.4");
    await stopFirst();
    problem(await send("/"), "UNAVAILABLE");

    edge.names.clear();
    await api((_, res) => res.end("back"), "127.0.0.5");

    expect(await send("/")).toMatchObject({ status: 200, body: "back" });
  });

  it("is a 504 when it does not answer", async () => {
    await api(() => undefined);

    problem(await send("/"), "TIMEOUT");
  });
});

describe("several nodes of api", () => {
  it("share the requests; a stopped node fails none", async () => {
    const answers = async () =>
      new Set(await Promise.all(Array.from({ length: 8 }, async () => (await send("/")).body)));
    await api((_, res) => res.end("two"), "127.0.0.2");
    const three = await api((_, res) => res.end("three"), "127.0.0.3");
    const both = await answers();

    await three();

    expect(both).toEqual(new Set(["two", "three"]));
    expect(await answers()).toEqual(new Set(["two"]));
  });

  it("never get the same POST twice, even when the first node dies", async () => {
    let posts = 0;
    const die: RequestListener = (req) => {
      posts += 1;
      req.socket.destroy();
    };
    await api(die, "127.0.0.2");
    await api(die, "127.0.0.3");

    problem(await send("/market/buy/1", { method: "POST" }), "UNAVAILABLE");

    expect(posts).toBe(1);
  });
});

describe("a socket through the edge", () => {
  it("is a WebSocket to notifications, which gets the client's address last", async () => {
    const { handshake } = await notifications();
    const socket = io(edge.origin, {
      transports: ["websocket"],
      reconnectionDelay: 100,
      extraHeaders: { "x-forwarded-for": "203.0.113.9", origin: "https://shop.example" },
    });
    closing.push(() => socket.disconnect());

    const echo: unknown = await socket.timeout(5_000).emitWithAck("echo", { read: ["1"] });

    expect(echo).toEqual({ read: ["1"] });
    expect(socket.io.engine.transport.name).toBe("websocket");
    expect(await handshake).toMatchObject({
      "x-forwarded-for": "203.0.113.9, 127.0.0.1",
      origin: "https://shop.example",
      host: new URL(edge.origin).host,
    });
  });

  it("is refused with a 503 while notifications is unavailable; HTTP works", async () => {
    await api((_, res) => res.end("on"));

    problem(await send("/socket.io/?EIO=4&transport=websocket"), "UNAVAILABLE");
    expect(await send("/")).toMatchObject({ status: 200, body: "on" });
  });
});

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  /** In bytes. */
  body: number;
}

const recordOf = async (req: IncomingMessage): Promise<Seen> => ({
  method: req.method,
  url: req.url,
  headers: req.headers,
  body: (await buffer(req)).length,
});

/** Adds a node of api, and waits until the edge has found it. Returns a function that stops it. */
async function api(answer: RequestListener, host = "127.0.0.1"): Promise<() => Promise<void>> {
  const server = createServer((req, res) =>
    req.url === "/which" ? res.setHeader("x-node", host).end() : answer(req, res),
  );
  await listen(server, edge.apiPort, host);
  const close = () => closed(server);
  closing.push(close);
  edge.names.set("api", [...(edge.names.get("api") ?? []), host]);
  await eventually(async () => expect((await send("/which")).headers["x-node"]).toBe(host));
  return close;
}

/** A notifications node that echoes. `handshake` resolves to the headers of the first socket's. */
async function notifications(): Promise<{ handshake: Promise<IncomingHttpHeaders> }> {
  const server = createServer();
  const sockets = new SocketServer(server, { transports: ["websocket"] });
  const handshake = new Promise<IncomingHttpHeaders>((found) => {
    sockets.on("connection", (socket) => {
      socket.on("echo", (value: unknown, ack: (value: unknown) => void) => ack(value));
      found(socket.handshake.headers);
    });
  });
  await listen(server, edge.socketPort, "127.0.0.1");
  edge.names.set("notifications", ["127.0.0.1"]);
  closing.push(() => sockets.close());
  return { handshake };
}

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request on a connection of its own, with exactly these headers. */
async function send(
  path: string,
  { method = "GET", headers = {}, body = "" } = {},
): Promise<Answer> {
  const req = request(edge.origin + path, {
    method,
    agent: false,
    headers: { "content-length": Buffer.byteLength(body), ...headers },
  });
  req.end(body);
  const [res] = (await once(req, "response")) as [IncomingMessage];
  return { status: res.statusCode, headers: res.headers, body: await text(res) };
}

/** Sends exactly these bytes, and reads until the connection is closed. */
async function raw(bytes: string): Promise<Answer> {
  const socket = connect(Number(new URL(edge.origin).port), "127.0.0.1", () => socket.write(bytes));
  const answer = await text(socket);
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const [status = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => line.split(/:(.*)/).map((part) => part.trim()));
  return {
    status: Number(status.split(" ")[1]),
    headers: Object.fromEntries(headers.map(([name, value]) => [name!.toLowerCase(), value])),
    body,
  };
}

/** Asserts that the edge itself answered, with the same body as api would. */
function problem(answer: Answer, code: ErrorCode): void {
  expect(answer).toMatchObject({
    status: errors[code].status,
    headers: { "content-type": "application/problem+json" },
  });
  const body: unknown = JSON.parse(answer.body);
  expect(body).toMatchObject({
    code,
    ...errors[code],
    requestId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
  });
  expect(Value.Check(Problem, body)).toBe(true);
}

async function startEdge(): Promise<Edge> {
  const dir = mkdtempSync(join(tmpdir(), "souk-edge-"));
  // Started by root, nginx serves as another user, which must be able to read this folder.
  chmodSync(dir, 0o755);
  const dns = await startDns();
  const [port, healthPort, apiPort, socketPort] = await Promise.all(
    Array.from({ length: 4 }, () => freePort()),
  );
  const conf =
    streamModule() +
    replaced(readFileSync(resolve(import.meta.dirname, "../../deploy/nginx.conf"), "utf8"), {
      "listen 8080 ": `listen 127.0.0.1:${port} `,
      "listen 127.0.0.1:8081;": `listen 127.0.0.1:${healthPort};`,
      "resolver 127.0.0.11 ": `resolver 127.0.0.1:${dns.port} `,
      " api:3000;": ` api:${apiPort};`,
      " notifications:3001;": ` notifications:${socketPort};`,
      // Each worker has its own DNS cache. With one worker, all requests share it.
      "worker_processes auto;": "worker_processes 1;",
      // A short timeout, so that its test is fast.
      "proxy_read_timeout 11s;": "proxy_read_timeout 1s;",
      "limit_conn connections 2500;": `limit_conn connections ${connectionLimit};`,
      "/dev/stdout": "/tmp/access.log",
      "/tmp/": `${dir}/`,
    });
  writeFileSync(join(dir, "nginx.conf"), conf);
  const child = spawn(nginx, ["-p", dir, "-c", join(dir, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errorLog = await started(child, `http://127.0.0.1:${healthPort}/`);
  return {
    origin: `http://127.0.0.1:${port}`,
    live: `http://127.0.0.1:${healthPort}/`,
    names: dns.names,
    errorLog,
    apiPort: apiPort!,
    socketPort: socketPort!,
    close: async () => {
      const exited = once(child, "exit");
      child.kill("SIGQUIT");
      await exited;
      dns.socket.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Debian builds nginx's `stream` as a module of its own (libnginx-mod-stream); the image of compose has it built in. */
function streamModule(): string {
  const path = "/usr/lib/nginx/modules/ngx_stream_module.so";
  return existsSync(path) ? `load_module ${path};\n` : "";
}

/** Resolves to its error log once nginx serves; rejects with it if nginx ends instead. */
async function started(child: ChildProcess, live: string): Promise<() => string> {
  let errorLog = "";
  child.stderr!.on("data", (chunk: Buffer) => (errorLog += chunk.toString()));
  const ended = new Promise<never>((_, reject) => {
    child.on("error", () =>
      reject(
        new Error(
          `This suite needs nginx: install it, or let NGINX name its binary (now "${nginx}").`,
        ),
      ),
    );
    child.on("close", (code) => reject(new Error(`nginx ended with ${code}: ${errorLog}`)));
  });
  await Promise.race([ended, eventually(() => fetch(live))]);
  // The suite stops nginx at its end, which is not an error.
  ended.catch(() => undefined);
  return () => errorLog;
}

/** Throws when a key is missing: the config has changed, and this suite would test another one. */
function replaced(config: string, parts: Record<string, string>): string {
  return Object.entries(parts).reduce((conf, [from, to]) => {
    if (!conf.includes(from)) throw new Error(`deploy/nginx.conf has no "${from}"`);
    return conf.replaceAll(from, to);
  }, config);
}

/** A DNS server that answers A queries from `names`, and NXDOMAIN for all other names. */
async function startDns(): Promise<{
  socket: UdpSocket;
  port: number;
  names: Map<string, string[]>;
}> {
  const names = new Map<string, string[]>();
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const end = query.indexOf(0, 12);
    const name = query.toString("latin1", 13, end);
    const addresses = names.get(name) ?? [];
    const question = query.subarray(12, end + 5);
    const head = Buffer.from([
      query[0]!,
      query[1]!,
      0x81,
      addresses.length ? 0x80 : 0x83,
      0,
      1,
      0,
      addresses.length,
      0,
      0,
      0,
      0,
    ]);
    // A pointer to the question's name; type A, class IN, a TTL of 600 s as in Docker's DNS, 4 bytes.
    const answers = addresses.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 0x58, 0, 4, ...address.split(".").map(Number)]),
    );
    socket.send(Buffer.concat([head, question, ...answers]), from.port, from.address);
  });
  // `unref`, so that the process can end when the rest does not start.
  socket.bind(0, "127.0.0.1").unref();
  await once(socket, "listening");
  return { socket, port: socket.address().port, names };
}

async function listen<S extends TcpServer>(server: S, port: number, host: string): Promise<S> {
  server.listen(port, host);
  await once(server, "listening");
  return server;
}

async function closed(server: TcpServer): Promise<void> {
  if (!server.listening) return;
  const end = once(server, "close");
  server.close();
  if (server instanceof HttpServer) server.closeAllConnections();
  await end;
}
