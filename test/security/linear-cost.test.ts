/**
 * The cost of parsing a request grows with its length, not with the square of it. Compared is the CPU time of this process
 * for four times the length, so neither the machine nor its load decides.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import type { Gateway } from "../support/gateway.ts";

const folder = temporaryFolder();
let at: Gateway;
let socket: Socket;
beforeAll(async () => {
  process.env.RATE_SCALE = "1000000";
  const pageFolder = join(folder.path, "dist");
  mkdirSync(pageFolder);
  writeFileSync(join(pageFolder, "index.html"), "<!doctype html>");
  writeFileSync(join(pageFolder, "index.html.gz"), gzipSync("<!doctype html>"));
  const { gateway } = await import("../support/gateway.ts");
  at = await gateway({ settings: { pageFolder, socketPort: 3001, trustedProxies: 1 } });
  socket = connect(at.port, "127.0.0.1");
});
afterAll(async () => {
  socket.destroy();
  await at.stop();
  folder.remove();
});

const headers = [
  ...["accept", "accept-encoding", "authorization", "content-type", "cookie", "expect"],
  ...["forwarded", "host", "if-none-match", "origin", "range", "referer", "te", "user-agent"],
  ...["access-control-request-method", "content-encoding", "x-forwarded-for", "x-forwarded-proto"],
];
/** Repeated between a beginning and an end. The beginnings and ends are those that each header expects. */
const fillings = [
  ...[
    "a",
    " ",
    "\t",
    ",",
    ";",
    "=",
    ".",
    ":",
    "%",
    "[",
    '"',
    "/",
    "-",
    "1",
    "a ",
    " ,",
    ", ",
    "; ",
  ],
  ...["a,", "q=1;", "1.", "a.", "::", "W/", "\xe4", "xn--a.", "%25", "&a=", "[a]:", '"",'],
];
const around: Record<string, [string, string]> = {
  "accept-encoding": ["br", "x"],
  authorization: ["Bearer ", "!"],
  host: ["a", "b"],
  "if-none-match": ["a", "a"],
  origin: ["http://", "x"],
  "x-forwarded-for": ["1", "z"],
};

const short = 3_500;
const long = 4 * short;

/** Milliseconds of CPU time until the response to these bytes has arrived. */
async function costOf(request: string): Promise<number> {
  if (socket.destroyed || !socket.writable) socket = connect(at.port, "127.0.0.1");
  const begun = process.cpuUsage();
  await new Promise<void>((resolve) => {
    let received = "";
    const take = (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const end = received.indexOf("\r\n\r\n");
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received.slice(0, end))?.[1] ?? 0);
      if (end >= 0 && received.length >= end + 4 + length) done();
    };
    const done = () => {
      socket.off("data", take).off("close", done).off("error", done);
      resolve();
    };
    socket.on("data", take).once("close", done).once("error", done);
    socket.write(request, "latin1");
  });
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

/** The requests whose cost grows like the square of their length. A linear one costs at most four times as much, and any one may be disturbed. */
async function superLinear(cases: [string, (length: number) => string][]): Promise<string[]> {
  let suspects = cases;
  for (let round = 0; round < 6 && suspects.length > 0; round++) {
    const next: typeof cases = [];
    for (const [name, request] of suspects) {
      const costs = { [short]: Infinity, [long]: Infinity };
      for (let n = 0; n <= round; n++)
        for (const length of [short, long])
          costs[length] = Math.min(costs[length]!, await costOf(request(length)));
      if (costs[long]! > 8 * costs[short]!) next.push([name, request]);
    }
    suspects = next;
  }
  return suspects.map(([name]) => name);
}

const filled = (piece: string, length: number) => piece.repeat(Math.ceil(length / piece.length));
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n${body}`;

describe("the cost of a request grows linearly with its length", () => {
  it("whatever any header is filled with", async () => {
    const cases = headers.flatMap((name) =>
      fillings.map((filling): [string, (length: number) => string] => [
        `${name}: ${filling}`,
        (length) => {
          const [beginning, end] = around[name] ?? ["a", "b"];
          const own = name === "host" ? "" : "host: h\r\n";
          const origin = name === "host" ? "origin: http://h\r\n" : "";
          const path = name === "authorization" ? "/users/me" : "/";
          const value = beginning + filled(filling, length) + end;
          return `GET ${path} HTTP/1.1\r\n${own}${origin}${name}: ${value}\r\n\r\n`;
        },
      ]),
    );

    expect(await superLinear(cases)).toEqual([]);
  });

  it("whatever its path and query are filled with", async () => {
    const cases = [
      "/market/items?search=",
      "/market/items?a",
      "/market/items/",
      "/assets/",
      "/",
    ].flatMap((path) =>
      fillings
        .filter((filling) => /^[!-~]+$/.test(filling))
        .map((filling): [string, (length: number) => string] => [
          `${path} ${filling}`,
          (length) => `GET ${path}${filled(filling, length)}! HTTP/1.1\r\nhost: h\r\n\r\n`,
        ]),
    );

    expect(await superLinear(cases)).toEqual([]);
  });

  it.each<[string, (length: number) => string]>([
    ["deep arrays", (length) => `{"a":${"[".repeat(length / 2)}${"]".repeat(length / 2)}}`],
    ["deep objects", (length) => `{"a":${'{"a":'.repeat(length / 6)}1${"}".repeat(length / 6)}}`],
    ["unknown fields", (length) => `{${keys(length / 9)}}`],
    ["one field, many times", (length) => `{${filled('"a":1,', length)}"a":1}`],
    ["white space", (length) => `{"email":${" ".repeat(length)}1}`],
    ["a text of spaces", (length) => `{"title":"${" ".repeat(length)}","price":1}`],
    ["an address without its end", (length) => `{"email":"${"a@".repeat(length / 2)}"}`],
    ["many ids", (length) => `{"ids":[${filled('"a!",', length)}"b"]}`],
  ])("whatever its body consists of: %s", async (name, body) => {
    const paths = ["/users/login", "/users/refresh", "/users"];

    const cases = paths.map((path): [string, (length: number) => string] => [
      `${path} ${name}`,
      (length) => post(path, body(length)),
    ]);

    expect(await superLinear(cases)).toEqual([]);
  });
});

const keys = (count: number) =>
  Array.from({ length: count }, (_, n) => `"k${String(n).padStart(4, "0")}":1`).join(",");
