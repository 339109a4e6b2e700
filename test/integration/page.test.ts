/** The page for a browser: its configuration, the built files, and their security policy. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { refusal } from "../../broker/refusal.ts";
import { checker } from "../../broker/validator.ts";
import { Config } from "../../contracts/config.ts";
import { gateway, raw, type Gateway } from "../support/gateway.ts";
import { startMarket } from "../support/market.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

const script = `console.log("${"souk ".repeat(200)}")`;
const built: Record<string, string | Buffer> = {
  "index.html": "<!doctype html><title>Souk</title>",
  "index.html.gz": gzipSync("<!doctype html><title>Souk</title>"),
  "docs.html": "<!doctype html><title>Contracts</title>",
  "assets/main.B5T3aQ_x.js": script,
  "assets/main.B5T3aQ_x.js.br": brotliCompressSync(script),
  "assets/main.B5T3aQ_x.js.gz": gzipSync(script),
  "assets/main.B5T3aQ_x.js.map": "{}",
  "assets/main.B5T3aQ_x.css": "a{}",
  "assets/serif.B5T3aQ_x.woff2": "w",
  "assets/icon-maskable.png": "p",
  "assets/favicon.ico": "i",
  "assets/manifest.webmanifest": "{}",
  "assets/samples/teapot.svg": "<svg/>",
  "assets/notes.txt": "not for you",
  "sw.js": "on",
  "sw-off.js": "off",
  "secret.js": "not for you",
  ".vite/manifest.json": "{}",
};

const folder = temporaryFolder();
const pageFolder = join(folder.path, "dist");
let at: Gateway;
beforeAll(async () => {
  for (const [name, content] of Object.entries(built)) {
    mkdirSync(dirname(join(pageFolder, name)), { recursive: true });
    writeFileSync(join(pageFolder, name), content);
  }
  writeFileSync(join(folder.path, "outside.js"), "not for you");
  symlinkSync(join(folder.path, "outside.js"), join(pageFolder, "assets/linked.js"));
  at = await gateway({
    settings: { pageFolder, socketPort: 3001 },
    handlers: { "market.item": ({ params }) => itemOf(params.id), "users.profile": itemOf },
  });
});
const title = `</title><script>alert(1)</script>`;
const item = { title, description: "", price: 4500, currency: "EUR", imageUrl: "/p.png" };
function itemOf(id: unknown) {
  if (id !== "1") throw refusal("ITEM_NOT_FOUND");
  return { ...item, id, sellerId: "ann", isSold: false };
}
afterAll(async () => {
  await at.stop();
  folder.remove();
});

/** Sends a request exactly as written; `fetch` would normalise it. Returns the status line, the headers and the body. */
async function get(
  path: string,
  headers: Record<string, string> = {},
  { port } = at,
  method = "GET",
) {
  const lines = Object.entries({ host: "souk.example:3000", connection: "close", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const answer = await raw(port, `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const end = answer.indexOf("\r\n\r\n");
  const [status = "", ...rest] = answer.slice(0, end).split("\r\n");
  return {
    status: Number(status.split(" ")[1]),
    headers: new Headers(rest.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])),
    bytes: Buffer.from(answer.slice(end + 4), "latin1"),
  };
}

const problem = async (...args: Parameters<typeof get>) => {
  const { status, headers, bytes } = await get(...args);
  return [
    status,
    headers.get("content-type"),
    (JSON.parse(bytes.toString() || "{}") as { code?: string }).code,
  ];
};
const refused = (status: number, code?: string) => [
  status,
  "application/problem+json; charset=utf-8",
  code,
];

describe("/config.json", () => {
  it("has the URL of the sockets, or their port at this host, the key of web push, the currency and its digits", async () => {
    const elsewhere = await gateway({
      settings: {
        socketUrl: "wss://live.example",
        socketPort: 3001,
        pushKey: "BPp",
        currency: "JPY",
      },
    });

    const answers = [
      await elsewhere.call("GET", "/config.json"),
      await at.call("GET", "/config.json"),
    ];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]!.body).toEqual({
      socketUrl: "wss://live.example",
      socketPort: 3001,
      pushKey: "BPp",
      currency: "JPY",
      currencyDigits: 0,
    });
    expect(answers[1]!.body).toEqual({
      socketUrl: null,
      socketPort: 3001,
      pushKey: expect.stringMatching(/^B[\w-]{86}$/),
      currency: "EUR",
      currencyDigits: 2,
    });
    expect(answers.flatMap(({ body }) => checker(Config)(body))).toEqual([]);
    await elsewhere.stop();
  });

  it("has the actual port when the sockets chose a free one", async () => {
    const market = await startMarket();
    const answer = await fetch(`${market.api}/config.json`);
    expect(await answer.json()).toEqual({
      socketUrl: null,
      socketPort: Number(new URL(market.sockets).port),
      pushKey: expect.stringMatching(/^B[\w-]{86}$/),
      currency: "EUR",
      currencyDigits: 2,
    });
    await market.close();
  });
});

describe("the page", () => {
  it.each(["/shop/items/1/edit", "/shop/sell", "/shop/sell?d=e"])("is at %s", async (path) => {
    const { status, headers, bytes } = await get(path);
    expect([status, bytes.toString()]).toEqual([200, built["index.html"]]);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-cache");
  });

  it.each([
    [
      "/shop/items/1",
      "/shop/items/1",
      "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; · Souk",
    ],
    ["/?from=a%20friend", "/", "Souk: every item is sold once"],
  ])("has the tags of %s", async (path, url, shownTitle) => {
    const { status, headers, bytes } = await get(path, { "accept-encoding": "gzip" });
    expect([status, headers.get("cache-control")]).toEqual([200, "no-cache"]);
    expect(bytes.toString()).toContain(`<title>${shownTitle}</title>`);
    expect(bytes.toString()).toContain(`content="http://souk.example:3000${url}"`);
    expect(bytes.toString()).not.toContain("<script>");
  });

  it("has a service worker for all of its paths, which may load only from this server, or one that removes it", async () => {
    const off = await gateway({ settings: { pageFolder, socketPort: 3001, serviceWorker: false } });
    const { status, headers, bytes } = await get("/sw.js");
    expect([status, bytes.toString(), headers.get("cache-control")]).toEqual([
      200,
      "on",
      "no-cache",
    ]);
    expect(headers.get("content-security-policy")).toContain("connect-src 'self'");
    expect((await get("/sw.js", {}, off)).bytes.toString()).toBe("off");
    expect((await get("/sw-off.js")).status).toBe(404);
    await off.stop();
  });

  it("has the origin PUBLIC_URL in its tags, otherwise that of the request, with https by a trusted proxy", async () => {
    const settings = { pageFolder, socketPort: 3001, trustedProxies: 1 };
    const behind = await gateway({ settings });
    const named = await gateway({ settings: { ...settings, publicUrl: "https://shop.example" } });
    const forwarded = { "x-forwarded-proto": "https" };
    const originOf = async (...args: Parameters<typeof get>) =>
      /og:url" content="([^"]*)\/"/.exec((await get(...args)).bytes.toString())?.[1];
    expect([
      await originOf("/", forwarded),
      await originOf("/", forwarded, behind),
      await originOf("/", forwarded, named),
      await originOf("/", { host: "souk_example.:1" }),
    ]).toEqual([
      "http://souk.example:3000",
      "https://souk.example:3000",
      "https://shop.example",
      undefined,
    ]);
    expect((await get("/robots.txt", {}, named)).bytes.toString()).toContain(
      "Sitemap: https://shop.example/sitemap.xml",
    );
    await Promise.all([behind.stop(), named.stop()]);
  });

  it.each(["/shop/items/2", "/shop/sellers/2"])(
    "is 404 at %s, which does not exist",
    async (path) => {
      const { status, bytes } = await get(path);
      expect([status, bytes.toString()]).toEqual([404, built["index.html"]]);
    },
  );

  it("is sent without tags, and soon, while the market is missing, slow or broken", async () => {
    const settings = { pageFolder };
    const never = () => new Promise(() => {});
    const broken = () => {
      throw new Error("broken");
    };
    for (const options of [
      { present: ["users", "notifications"] },
      { handlers: { "market.item": never } },
      { handlers: { "market.item": broken } },
    ]) {
      const without = await gateway({ ...options, settings });
      const { status, bytes } = await get("/shop/items/1", {}, without);
      expect([status, bytes.toString()]).toEqual([200, built["index.html"]]);
      await without.stop();
    }
  });

  it("has a sitemap of the market's items", async () => {
    const market = await startMarket();
    const urls = (text: string) => [...text.matchAll(/<loc>(.*?)<\/loc>/g)].map(([, url]) => url!);
    const index = await (await fetch(`${market.api}/sitemap.xml`)).text();
    const page = await fetch(urls(index)[0]!);
    expect(page.headers.get("content-type")).toBe("application/xml; charset=utf-8");
    expect(urls(await page.text())).toContain(`${market.api}/shop/items/1`);
    for (const other of ["a.b", "nope"])
      expect((await fetch(`${market.api}/sitemaps/${other}`)).status).toBe(404);
    await market.close();
  });

  it("has the API documents at /docs and /docs/", async () => {
    for (const path of ["/docs", "/docs/"])
      expect((await get(path)).bytes.toString()).toBe(built["docs.html"]);
  });

  it.each([
    ...["/nowhere", "/shop/items/1/x", "/market/items/", "/users//me", "/assets/none.css"],
    ...["/shop/a/b/c?d=e", "/shop/nope", "/shop/items", "/shop/item/1", "/shop/items/1/buy"],
    ...["/sitemaps/a.b"],
  ])("is what people get at %s, with 404; programs get the problem", async (path) => {
    const accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    const page = await get(path, { accept, "if-none-match": "*" });
    expect([page.status, page.bytes.toString()]).toEqual([404, built["index.html"]]);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toMatch(/script-src 'self'/);
    expect(page.headers.get("cache-control")).toBe("no-store");
    expect([page.headers.get("vary"), page.headers.get("etag")]).toEqual([
      "Origin, Accept, Accept-Encoding",
      null,
    ]);
    for (const program of ["*/*", "application/json, text/plain, */*"]) {
      const problem = await get(path, { accept: program });
      expect(problem.status).toBe(404);
      expect(problem.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    }
  });

  it.each([
    ["main.B5T3aQ_x.js", "text/javascript; charset=utf-8"],
    ["main.B5T3aQ_x.css", "text/css; charset=utf-8"],
    ["serif.B5T3aQ_x.woff2", "font/woff2"],
  ])("has the file %s, which is cached forever", async (name, type) => {
    const { status, headers, bytes } = await get(`/assets/${name}`);
    expect([status, bytes.toString(), headers.get("content-type")]).toEqual([
      200,
      built[`assets/${name}`],
      type,
    ]);
    expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  });

  it.each([
    ["icon-maskable.png", "image/png"],
    ["favicon.ico", "image/x-icon"],
    ["manifest.webmanifest", "application/manifest+json"],
    ["samples/teapot.svg", "image/svg+xml"],
  ])("has the file %s, which is cached for an hour", async (name, type) => {
    const { status, headers, bytes } = await get(`/assets/${name}`);
    expect([status, bytes.toString(), headers.get("content-type")]).toEqual([
      200,
      built[`assets/${name}`],
      type,
    ]);
    expect(headers.get("cache-control")).toBe("public, max-age=3600");
    // Any page may show an item's picture.
    expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  });

  it("is 304 for a client that has it", async () => {
    for (const path of [
      "/",
      "/shop/items/1",
      "/docs",
      "/assets/main.B5T3aQ_x.js",
      "/assets/favicon.ico",
    ]) {
      const first = await get(path);
      const etag = first.headers.get("etag")!;
      const again = await get(path, { "if-none-match": `"x", W/${etag}` });
      expect([again.status, again.bytes.length, again.headers.get("content-type")]).toEqual([
        304,
        0,
        null,
      ]);
      for (const name of ["etag", "cache-control", "vary", "content-security-policy"])
        expect([name, again.headers.get(name)]).toEqual([name, first.headers.get(name)]);
      expect((await get(path, { "if-none-match": '"x"' })).status).toBe(200);
    }
  });

  it("supports GET and HEAD only", async () => {
    for (const path of ["/", "/shop/items/1", "/docs", "/assets/main.B5T3aQ_x.js"]) {
      const [head, got] = [await get(path, {}, at, "HEAD"), await get(path)];
      expect([head.status, head.bytes.length]).toEqual([200, 0]);
      expect(head.headers.get("content-length")).toBe(String(got.bytes.length));
      expect(head.headers.get("etag")).toBe(got.headers.get("etag"));
      for (const method of ["POST", "PUT", "DELETE"]) {
        expect(await problem(path, {}, at, method)).toEqual(refused(405, "METHOD_NOT_ALLOWED"));
        expect((await get(path, {}, at, method)).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
      }
    }
  });

  it("is NOT_FOUND when it was not built; other routes work", async () => {
    const bare = await gateway({ settings: { pageFolder: join(folder.path, "nowhere") } });
    for (const path of ["/", "/shop/items/1", "/docs", "/assets/favicon.ico"])
      expect(await problem(path, {}, bare)).toEqual(refused(404, "NOT_FOUND"));
    expect((await bare.call("GET", "/market/items")).status).toBe(200);
    await bare.stop();
  });
});

describe("a file that was compressed beforehand", () => {
  const path = "/assets/main.B5T3aQ_x.js";

  it.each([
    ["gzip, deflate, br, zstd", "br"],
    ["BR", "br"],
    ["br ; q=0.1, gzip;q=1", "br"],
    ["gzip", "gzip"],
    ["gzip, br;q=0", "gzip"],
    ["gzip;q=0.000", null],
    ["xbr, deflate", null],
    ["", null],
    ["*", null],
    [";;,,q=", null],
  ])("for Accept-Encoding %j is sent as %s", async (accepted, coding) => {
    const { status, headers, bytes } = await get(path, { "accept-encoding": accepted });
    const text =
      coding === "br" ? brotliDecompressSync(bytes) : coding === "gzip" ? gunzipSync(bytes) : bytes;
    expect([status, text.toString()]).toEqual([200, script]);
    expect([headers.get("content-encoding"), headers.get("content-length")]).toEqual([
      coding,
      String(bytes.length),
    ]);
    expect([headers.get("vary"), headers.get("content-type")]).toEqual([
      "Origin, Accept-Encoding",
      "text/javascript; charset=utf-8",
    ]);
  });

  it("has an ETag in each encoding, and no path of its own", async () => {
    const tags = await Promise.all(
      ["br", "gzip", ""].map(async (coding) =>
        (await get(path, { "accept-encoding": coding })).headers.get("etag"),
      ),
    );
    expect(new Set(tags).size).toBe(3);
    expect((await get(path, { "accept-encoding": "gzip", "if-none-match": tags[0]! })).status).toBe(
      200,
    );
    for (const suffix of [".br", ".gz"])
      expect(await problem(path + suffix)).toEqual(refused(404, "NOT_FOUND"));
  });

  it("is not sent when the build has none", async () => {
    const { headers } = await get("/assets/favicon.ico", { "accept-encoding": "br" });
    expect([headers.get("content-encoding"), headers.get("vary")]).toEqual([null, "Origin"]);
  });
});

describe("a malformed path", () => {
  it.each([
    "/assets",
    "/assets/",
    "/assets//favicon.ico",
    "/assets/favicon.ico/",
    "/assets/FAVICON.ICO",
    "/ASSETS/favicon.ico",
    "/assets/./favicon.ico",
    "/assets/samples",
    "/assets/samples/../favicon.ico",
    "/assets/../index.html",
    "/assets/../../outside.js",
    "/assets/../../package.json",
    "/assets/..%2f..%2foutside.js",
    "/assets/%2e%2e/%2e%2e/outside.js",
    "/assets/%252e%252e%252foutside.js",
    "/assets/..\\..\\outside.js",
    "/assets/..%5coutside.js",
    "/assets//etc/passwd",
    "/assets/%2fetc%2fpasswd",
    "/assets/%66avicon.ico",
    "/assets/favicon.ico%00",
    "/assets/favicon.ico%00.js",
    "/assets/favicon.ico;a=b",
    "/assets/favicon.ico::$DATA",
    "/assets/linked.js",
    "/assets/notes.txt",
    "/assets/main.B5T3aQ_x.js.map",
    "/assets/__proto__",
    "/assets/constructor",
    "/secret.js",
    "/.vite/manifest.json",
    "/index.html",
    "/docs.html",
    "/shop",
    "/shop/",
    "/shop/items/",
    "/shop//items/1/",
    "//shop/items/1/",
    "/favicon.ico",
    `/assets/${"a/".repeat(3_000)}b.js`,
  ])("is NOT_FOUND: %s", async (path) =>
    expect(await problem(path)).toEqual(refused(404, "NOT_FOUND")),
  );

  it.each([
    ["/shop/items/1/", "/shop/items/1"],
    ["/shop/items/1/?from=a%2F?b", "/shop/items/1?from=a%2F?b"],
    ["/shop/sell/", "/shop/sell"],
  ])("with a slash at its end is that of a view: %s", async (path, location) => {
    const { status, headers } = await get(path);
    expect([status, headers.get("location")]).toEqual([308, location]);
  });

  it("is BAD_DATA when it is not UTF-8, TOO_LARGE above 16 KB", async () => {
    for (const path of ["/assets/%", "/assets/%ff", "/shop/items/%c0%ae%c0%ae"]) {
      expect(await problem(path)).toEqual(refused(400, "BAD_DATA"));
      // People get the page.
      const { status, headers } = await get(path, { accept: "text/html" });
      expect([status, headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
    }
    expect(await problem("/assets/a\0b")).toEqual(refused(400, "BAD_DATA"));
    expect(await problem(`/assets/${"a".repeat(20_000)}`)).toEqual(refused(413, "TOO_LARGE"));
  });

  it("with the prefix of a view serves nothing", async () => {
    for (const path of [
      "/shop/../../package.json",
      "/shop/%2e%2e%2fsecret.js",
      "/shop/%00",
      "/shop/<script>",
      "/shop//users/me",
    ])
      expect([path, await problem(path)]).toEqual([path, refused(404, "NOT_FOUND")]);
  });
});

describe("the page's policy", () => {
  const policyOf = async (path: string, headers = {}, from = at) =>
    (await get(path, headers, from)).headers.get("content-security-policy")!;
  const connect = (policy: string) => /connect-src ([^;]*)/.exec(policy)?.[1];

  it("allows its own server, images of items and the sockets, and nothing more", async () => {
    expect((await policyOf("/shop/items/1")).split(";").sort()).toEqual(
      [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "img-src 'self' data: http: https:",
        "connect-src 'self' ws://souk.example:3001",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].sort(),
    );
    expect(connect(await policyOf("/docs"))).toBe("'self'");
  });

  it("forbids everything in other responses", async () => {
    for (const path of [
      "/assets/samples/teapot.svg",
      "/assets/main.B5T3aQ_x.js",
      "/config.json",
      "/openapi.json",
      "/market/items",
      "/nowhere",
    ])
      expect(await policyOf(path)).toBe(
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
  });

  it.each([
    ["localhost", "ws://localhost:3001"],
    ["127.0.0.1:3000", "ws://127.0.0.1:3001"],
    ["my_house.local:80", "ws://my_house.local:3001"],
    ["[::1]:3000", "ws://*:3001"],
  ])("names the sockets at the requested host %s", async (host, sockets) => {
    expect(connect(await policyOf("/", { host }))).toBe(`'self' ${sockets}`);
  });

  it.each(["a;script-src *", "a b", "*", "a:x", "user@a", "a'unsafe-inline'", "http://a"])(
    "takes nothing from the Host %s, which is refused",
    async (host) => {
      const { status, headers } = await get("/", { host });
      expect(status).toBe(400);
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
    },
  );

  it("names them with TLS only when a trusted proxy says so", async () => {
    const behind = await gateway({ settings: { pageFolder, socketPort: 3001, trustedProxies: 1 } });
    const by = (proto: string, from?: Gateway) =>
      policyOf("/", { "x-forwarded-proto": proto }, from).then(connect);
    expect(await by("https", behind)).toBe("'self' wss://souk.example:3001");
    expect(await by("http", behind)).toBe("'self' ws://souk.example:3001");
    expect(await by("x;script-src *", behind)).toBe("'self' ws://souk.example:3001");
    expect(await by("https")).toBe("'self' ws://souk.example:3001");
    await behind.stop();
  });

  it.each([
    ["https://live.example", "wss://live.example"],
    ["http://localhost:8080", "ws://localhost:8080"],
    ["wss://live.example:444", "wss://live.example:444"],
  ])("names SOCKET_URL %s when it is set", async (socketUrl, sockets) => {
    const elsewhere = await gateway({ settings: { pageFolder, socketUrl, socketPort: 3001 } });
    expect(connect(await policyOf("/", {}, elsewhere))).toBe(`'self' ${sockets}`);
    await elsewhere.stop();
  });

  it("names none when their port is not known", async () => {
    const withoutSockets = await gateway({ settings: { pageFolder, socketPort: 0 } });
    expect(connect(await policyOf("/", {}, withoutSockets))).toBe("'self'");
    await withoutSockets.stop();
  });
});
