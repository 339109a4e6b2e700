import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { actions, services } from "../../contracts/actions.ts";
import type { ServiceState } from "../../contracts/health.ts";
import { errors, type ErrorCode, type FieldError } from "../../contracts/errors.ts";
import { routes, type Route } from "../../contracts/routes.ts";
import type { BrokerOptions } from "moleculer";
import { refusal } from "../../broker/refusal.ts";
import { inputOf, pathNames, pathWith, requiredOf, takesBody } from "../support/examples.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { gate } from "../support/gate.ts";
import {
  foreignToken,
  gateway,
  raw,
  type Answered,
  type Gateway,
  type Options,
} from "../support/gateway.ts";
import { runningTime } from "../support/running-time.ts";

const { nodeHealth } = await import("../../edge/health.ts");
const { shared } = await import("../../edge/readiness.ts");

const loginBody = { email: "a@souk.test", password: "correct horse" };

const queryOf = (values: object) =>
  new URLSearchParams(
    Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
const jsonType = { "content-type": "application/json" };

/** A valid request to a route, with these changes. */
function requestTo(
  route: Route,
  token: string,
  change: { input?: object; body?: string; headers?: Record<string, string> } = {},
) {
  const input = change.input ?? inputOf(route);
  const path =
    pathWith(route, "x-1") +
    (!takesBody(route) && Object.keys(input).length > 0 ? `?${queryOf(input)}` : "");
  const headers = {
    ...(takesBody(route) && jsonType),
    authorization: `Bearer ${token}`,
    ...change.headers,
  };
  return [
    route.method,
    path,
    { headers, ...(takesBody(route) && { body: change.body ?? JSON.stringify(input) }) },
  ] as const;
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  body: typeof body === "string" ? body : JSON.stringify(body),
  headers: { ...jsonType, ...headers },
});

function expectProblem(answer: Answered, code: ErrorCode): void {
  expect([answer.status, answer.body?.code]).toEqual([errors[code].status, code]);
  expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  expect(answer.body).toMatchObject({
    type: `urn:souk:error:${code}`,
    title: errors[code].title,
    status: errors[code].status,
  });
  expect(answer.body.detail).toEqual(expect.any(String));
  expect(answer.body.requestId).toBe(answer.headers.get("x-request-id"));
  expect(answer.headers.get("cache-control")).toBe("no-store");
}

/** The status and the error code in a raw response. */
const codeIn = (answer: string) => [
  Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]),
  /"code":"(\w+)"/.exec(answer)?.[1],
];

let at: Gateway;
let token: string;
const others: Gateway[] = [];
const another = async (options: Options) => {
  const made = await gateway(options);
  others.push(made);
  return made;
};

beforeAll(async () => {
  at = await gateway();
  token = await at.token("u-1", { sid: "s-1" });
});
afterAll(() => Promise.all([at, ...others].map((each) => each.stop())));

describe("the table of routes", () => {
  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "routes %s to its action",
    async (_name, route: Route) => {
      const answer = await at.call(...requestTo(route, token));

      expect(answer.status).toBe(route.success);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      if (route.success === 204)
        return expect([answer.text, answer.headers.get("content-type")]).toEqual(["", null]);
      expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(answer.body).toEqual({
        action: route.action,
        params: {
          ...inputOf(route),
          ...Object.fromEntries(pathNames(route).map((name) => [name, "x-1"])),
        },
        user: route.who === "user" ? { id: "u-1", sid: "s-1" } : null,
        requestId: answer.headers.get("x-request-id"),
      });
    },
  );

  it("has no other paths", async () => {
    const unbuilt = ["/", "/shop", "/shop/1", "/assets/a.js", "/docs"];
    const inner = [
      "/list-aliases",
      "/api/rest",
      "/api/list-aliases",
      "/$node/actions",
      "/~node/actions",
      "/market/health",
      "/users/ended/x",
    ];
    const twisted = [
      "//users/me",
      "/users//me",
      "/USERS/me",
      "/users/me//",
      "/users/me/x",
      "/market/%69tems",
      "/market/../users/me/x",
      "/*",
    ];
    const notify = [
      "/notifications/notify",
      "/notifications.notify",
      "/market.buy",
      "/market/replay",
    ];

    for (const path of [...unbuilt, ...inner, ...twisted, ...notify])
      expectRaw(
        await raw(at.port, `GET ${path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`),
        "NOT_FOUND",
        path,
      );
    expectProblem(
      await at.call("POST", "/notifications/notify", post({ userId: "u", text: "t" })),
      "NOT_FOUND",
    );
    expectRaw(
      await raw(at.port, `GET ${at.url}/nowhere HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`),
      "NOT_FOUND",
      "absolute",
    );
  });

  it("takes absolute URLs as targets, with their host instead of the header's", async () => {
    const ask = (target: string, head: string) =>
      raw(at.port, `GET ${target} HTTP/1.1\r\n${head}connection: close\r\n\r\n`);
    const own = `http://127.0.0.1:${at.port}`;
    expect(codeIn(await ask(`${at.url}/market/items?limit=1`, "host: h\r\n"))[0]).toBe(200);
    expect(codeIn(await ask("http://h/market/items", `host: h\r\norigin: ${own}\r\n`))[0]).toBe(
      403,
    );
    expect(codeIn(await ask(`${own}/market/items`, `host: h\r\norigin: ${own}\r\n`))[0]).toBe(200);
    for (const [target, head] of [
      [`${own}/market/items`, ""],
      [`${own}/market/items`, "host: h\r\nhost: h\r\n"],
      ["http://u:p@h/market/items", "host: h\r\n"],
      ["http://a'b/market/items", "host: h\r\n"],
      ["ftp://h/market/items", "host: h\r\n"],
    ] as const)
      expectRaw(await ask(target, head), "BAD_DATA", target);
  });

  it("says so to people as well, when the page was not built", async () => {
    const headers = { accept: "text/html" };
    expectProblem(await at.call("GET", "/nowhere", { headers }), "NOT_FOUND");
  });

  it.each(["/market/items/", "/market/items/1/", "/users/alice/", "/health/live/"])(
    "does not accept a slash at the end of a path: %s",
    async (path) => {
      expect(await at.call("GET", path)).toMatchObject({
        status: 404,
        body: { code: "NOT_FOUND" },
      });
    },
  );

  it("lists the methods of a path in a 405 and for OPTIONS", async () => {
    for (const path of new Set(routes.map((route) => route.path))) {
      const known: string[] = routes
        .filter((route) => route.path === path)
        .map(({ method }) => method);
      const url = path.replace(/:\w+/g, "x-1");
      const allow = new Set(
        known.includes("GET") ? [...known, "HEAD", "OPTIONS"] : [...known, "OPTIONS"],
      );
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter(
        (each) => !known.includes(each),
      )) {
        const answer = await at.call(method, url);
        expectProblem(answer, "METHOD_NOT_ALLOWED");
        expect(new Set(answer.headers.get("allow")?.split(", "))).toEqual(allow);
      }
      const options = await at.call("OPTIONS", url);
      expect([options.status, new Set(options.headers.get("allow")?.split(", "))]).toEqual([
        204,
        allow,
      ]);
    }
    expectProblem(await at.call("OPTIONS", "/nowhere"), "NOT_FOUND");
  });

  it("answers HEAD like GET, without the body", async () => {
    const [head, get] = [
      await at.call("HEAD", "/market/items"),
      await at.call("GET", "/market/items"),
    ];
    expect([head.status, head.text, head.headers.get("content-length")]).toEqual([
      200,
      "",
      get.headers.get("content-length"),
    ]);
    expect((await at.call("HEAD", "/nowhere")).status).toBe(404);
  });

  it("sends the Location of a new item", async () => {
    const made = await another({ handlers: { "market.offer": () => ({ id: "i-9" }) } });
    const answer = await made.call(
      ...requestTo(
        routes.find(({ action }) => action === "market.offer")!,
        token,
      ),
    );
    expect([answer.status, answer.headers.get("location")]).toEqual([201, "/market/items/i-9"]);
  });

  it.each(["rest", "listAliases", "addRoute", "removeRoute"])(
    "cannot be changed by moleculer-web's action %s",
    async (name) => {
      await expect(
        at.broker.call(`api.${name}`, { route: { path: "/x" }, path: "/" }),
      ).rejects.toMatchObject({
        name: "ServiceNotFoundError",
      });
      expect((await at.call("GET", "/market/items")).status).toBe(200);
    },
  );
});

const expectRaw = (answer: string, code: ErrorCode, what = "") =>
  expect([what, ...codeIn(answer)]).toEqual([what, errors[code].status, code]);

describe("a query", () => {
  it.each([
    ["limit=5", { limit: 5 }],
    ["sold=false", { sold: false }],
    ["search=true", { search: "true" }],
    ["search=5", { search: "5" }],
    ["search=a+b%20c%26", { search: "a b c&" }],
    ["search=", { search: "" }],
    ["&limit=5&", { limit: 5 }],
    ["%6cimit=7", { limit: 7 }],
  ])("%s is converted by the action's schema", async (query, params) => {
    expect((await at.call("GET", `/market/items?${query}`)).body.params).toEqual(params);
  });

  it.each([
    ["limit=abc", "limit"],
    ["limit=1e2", "limit"],
    ["limit=%205", "limit"],
    ["limit=+5", "limit"],
    ["limit=5.0", "limit"],
    ["limit=0x10", "limit"],
    ["limit=05", "limit"],
    ["limit=", "limit"],
    ["limit", "limit"],
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=99999999999999999999", "limit"],
    ["limit=5&limit=5", "limit"],
    ["sold=yes", "sold"],
    ["sold=1", "sold"],
    ["sold=TRUE", "sold"],
    ["sold", "sold"],
    ["sort=id", "sort"],
    ["cursor=", "cursor"],
    ["cursor=a%00", "cursor"],
    ["sellerId[$ne]=1", "sellerId[$ne]"],
    ["limit[]=5", "limit[]"],
    ["colour=red", "colour"],
    ["__proto__=1", "__proto__"],
    ["constructor=1", "constructor"],
    ["=1", ""],
  ])("%s is BAD_DATA and names %s", async (query, field) => {
    const answer = await at.call("GET", `/market/items?${query}`);
    expectProblem(answer, "BAD_DATA");
    expect(new Set(answer.body.errors.map((fault: FieldError) => fault.field))).toEqual(
      new Set([field]),
    );
  });

  it("must not contain parameters of the path or the body", async () => {
    for (const [method, path, field, init] of [
      ["GET", "/market/items/1?id=2", "id", {}],
      ["GET", "/users/1?x=2", "x", {}],
      ["POST", "/market/buy/1?price=5", "price", post({}, { authorization: `Bearer ${token}` })],
      ["POST", "/users/login?email=a@b.c", "email", post(loginBody)],
      ["DELETE", "/market/items/1?id=2", "id", { headers: { authorization: `Bearer ${token}` } }],
    ] as const) {
      const answer = await at.call(method, path, init);
      expectProblem(answer, "BAD_DATA");
      expect(answer.body.errors).toEqual([{ field, message: expect.any(String) }]);
    }
  });

  it("or a path that is not percent-encoded UTF-8 is BAD_DATA", async () => {
    for (const path of [
      "/users/%zz",
      "/users/%",
      "/users/%c3%28",
      "/market/items?search=%zz",
      "/market/items?search=%ff",
      "/market/items?%zz=1",
    ])
      expectProblem(await at.call("GET", path), "BAD_DATA");
  });

  it("or a path above 16 KB is TOO_LARGE; a long one is checked as usual", async () => {
    expectProblem(await at.call("GET", `/users/${"x".repeat(10_000)}`), "BAD_DATA");
    const unknown = Array.from({ length: 2_000 }, (_, n) => `q${n}=1`).join("&");
    const many = await at.call("GET", `/market/items?${unknown}`);
    expectProblem(many, "BAD_DATA");
    expect(many.body.errors.length).toBeLessThanOrEqual(20);
    for (const length of [20_000, 1_000_000]) {
      const answer = await raw(
        at.port,
        `GET /users/${"x".repeat(length)} HTTP/1.1\r\nhost: h\r\n\r\n`,
      );
      expectRaw(answer, "TOO_LARGE");
    }
  });
});

describe("a body", () => {
  const withBody = routes.filter(takesBody) as readonly Route[];
  const login = (init: RequestInit) => at.call("POST", "/users/login", init);
  const good = JSON.stringify(loginBody);

  it.each([
    ["in broken JSON", "{"],
    ["that is a list", "[]"],
    ["that is null", "null"],
    ["that is a number", "1"],
    ["that is a string", '"x"'],
    ["with text after it", `${good}x`],
    ["of a thousand brackets", "[".repeat(10_000)],
    ["with __proto__", `{"__proto__":{"email":"a@souk.test"},${good.slice(1)}`],
    ["with constructor", `{"constructor":1,${good.slice(1)}`],
    ["that is a form", "email=a&password=b"],
  ])("%s is BAD_DATA", async (_what, body) => {
    expectProblem(await login(post(body)), "BAD_DATA");
  });

  it("must be uncompressed JSON in UTF-8", async () => {
    expect(
      (await login(post(good, { "content-type": 'Application/JSON; charset="UTF-8"' }))).status,
    ).toBe(200);
    for (const type of ["application/json;", "application/vnd.api+json; charset=utf8"])
      expect((await login(post(good, { "content-type": type }))).status).toBe(200);
    expect((await login(post(`\uFEFF${good}`))).status).toBe(200);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/json; charset=latin1",
      "application/jsonx",
      "",
    ])
      expectProblem(await login(post(good, { "content-type": type })), "BAD_DATA");
    expect((await login(post(good, { "content-encoding": "identity" }))).status).toBe(200);
    for (const body of [gzipSync(good), good])
      expectProblem(
        await login({ body, headers: { ...jsonType, "content-encoding": "gzip" } }),
        "BAD_DATA",
      );
    const broken = Buffer.from(good.replace("horse", "\xff\xfe horse"), "latin1");
    expectProblem(await login({ body: broken, headers: jsonType }), "BAD_DATA");
  });

  it("must not give a name twice", async () => {
    const answer = await login(post(`{"email":"b@souk.test",${good.slice(1)}`));
    expectProblem(answer, "BAD_DATA");
    expect(answer.body.errors).toEqual([{ field: "email", message: "is given twice" }]);
    const nested = await login(post(`{"a":[{"x":1,"x":1}],${good.slice(1)}`));
    expect(nested.body.errors).toEqual([{ field: "a.0.x", message: "is given twice" }]);
  });

  it("may be omitted when no field is required", async () => {
    const authorization = `Bearer ${token}`;
    expect(
      (await at.call("POST", "/market/buy/1", { headers: { authorization } })).body.params,
    ).toEqual({ id: "1" });
    expect(
      (await at.call("POST", "/market/buy/1", { body: "", headers: { authorization } })).body
        .params,
    ).toEqual({ id: "1" });
    const chunked = `POST /market/buy/1 HTTP/1.1\r\nhost: h\r\nauthorization: ${authorization}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n`;
    expect(codeIn(await raw(at.port, chunked))[0]).toBe(200);
    expectProblem(await login({}), "BAD_DATA");
  });

  it.each(
    withBody
      .filter((route) => pathNames(route).length > 0)
      .map((route) => [route.path, route] as const),
  )("must not repeat a parameter of the path: %s", async (_path, route) => {
    const repeated = Object.fromEntries(pathNames(route).map((name) => [name, "x-2"]));
    const answer = await at.call(
      ...requestTo(route, token, { input: { ...inputOf(route), ...repeated } }),
    );
    expectProblem(answer, "BAD_DATA");
    expect(answer.body.errors).toEqual(
      pathNames(route).map((field) => ({ field, message: expect.any(String) })),
    );
  });

  it("of up to 32 KB is read; a larger one is TOO_LARGE, with or without a Content-Length", async () => {
    const sized = (size: number) => `{"x":"${"y".repeat(size - 8)}"}`;
    expectProblem(await login(post(sized(32 * 1024))), "BAD_DATA");
    expectProblem(await login(post(sized(32 * 1024 + 1))), "TOO_LARGE");

    const head = "POST /users/login HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n";
    const whole = `content-length: 100000\r\n\r\n${" ".repeat(100_000)}GET /health/live HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`;
    const goesOn = await raw(at.port, head + whole);
    expectRaw(goesOn, "TOO_LARGE");
    expect(goesOn).toContain('{"status":"live"}');

    const chunk = `8000\r\n${" ".repeat(0x8000)}\r\n`;
    const startedAt = runningTime();
    const endless = await Promise.all([
      raw(at.port, `${head}transfer-encoding: chunked\r\n\r\n`, chunk, chunk),
      raw(at.port, `${head}content-length: 10000000000\r\n\r\n`, "x"),
    ]);
    for (const answer of endless) expectRaw(answer, "TOO_LARGE");
    expect(runningTime() - startedAt).toBeLessThan(8_000);
  });
});

describe("an Idempotency-Key", () => {
  const uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
  const offer = (key: string | string[], body: object = { title: "Lamp", price: 1 }) =>
    new Promise<Answered["body"]>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, ...jsonType, "idempotency-key": key };
      request(`${at.url}/market/items`, { method: "POST", headers }, (answer) => {
        void answer.toArray().then((parts) => resolve(JSON.parse(parts.join(""))));
      })
        .on("error", reject)
        .end(JSON.stringify(body));
    });

  it.each([
    [uuid, uuid],
    [`"${uuid}"`, uuid],
    ["1", "1"],
    ["order:12/a+b=~", "order:12/a+b=~"],
    ["k".repeat(255), "k".repeat(255)],
  ])("%s is the param of a creating action", async (header, key) => {
    expect((await offer(header)).params).toEqual({ title: "Lamp", price: 1, idempotencyKey: key });
  });

  it.each([
    ["empty", ""],
    ["empty in quotation marks", '""'],
    ["given twice", ["a", "a"]],
    ["joined by a proxy", "a, a"],
    ["too long", "k".repeat(256)],
    ["with a space", "a b"],
    ["not ASCII", "clé"],
    ["half quoted", '"a'],
    ["with parameters", '"a";p=1'],
  ])("that is %s is BAD_DATA", async (_what, key) => {
    const { code, errors: faults } = await offer(key);
    expect([code, faults]).toEqual([
      "BAD_DATA",
      [expect.objectContaining({ field: "Idempotency-Key" })],
    ]);
  });

  it("is refused in the body, ignored by other routes, and a param of every action whose route answers 201", async () => {
    expect((await offer("a", { title: "Lamp", price: 1, idempotencyKey: "b" })).code).toBe(
      "BAD_DATA",
    );
    const headers = { authorization: `Bearer ${token}`, "idempotency-key": "" };
    expect((await at.call("POST", "/market/buy/1", { headers })).body.params).toEqual({ id: "1" });
    for (const { action, success } of routes)
      if (success === 201)
        expect(Object.keys(actions[action].params.properties)).toContain("idempotencyKey");
  });
});

describe("hostile input", () => {
  type Change = { input?: object; body?: string };
  const everywhere = (route: Route, value: unknown): Change => ({
    input: Object.fromEntries(
      Object.keys({ x: 1, ...inputOf(route) }).map((name) => [name, value]),
    ),
  });
  /** Cases for every route. */
  const refused: [string, (route: Route) => Change][] = [
    ["an unknown field", (route) => ({ input: { ...inputOf(route), isAdmin: "true" } })],
    ["a user of its own", (route) => ({ input: { ...inputOf(route), user: "u-2" } })],
    ["a field named __proto__", (route) => ({ input: { ...inputOf(route), ["__proto__"]: "x" } })],
    ...[
      null,
      1,
      -1,
      1e300,
      true,
      [],
      {},
      "",
      "\u0000",
      "\uD800",
      "x".repeat(2_000),
      { $ne: 1 },
      ["a"],
    ].map((value): [string, (route: Route) => Change] => [
      JSON.stringify(value),
      (route) => everywhere(route, value),
    ]),
  ];
  /** Cases for routes that take a body. */
  const unreadable: [string, Change, ErrorCode][] = [
    ["broken JSON", { body: '{"a":' }, "BAD_DATA"],
    ["null", { body: "null" }, "BAD_DATA"],
    ["a list", { body: "[]" }, "BAD_DATA"],
    ["too much", { body: `{"x":"${"y".repeat(40_000)}"}` }, "TOO_LARGE"],
  ];

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "to %s is refused as problem details",
    async (_name, route: Route) => {
      for (const [what, change] of refused) {
        const answer = await at.call(...requestTo(route, token, change(route)));
        expect([what, answer.body?.code]).toEqual([what, "BAD_DATA"]);
        expectProblem(answer, "BAD_DATA");
      }
      for (const [, change, code] of takesBody(route) ? unreadable : [])
        expectProblem(await at.call(...requestTo(route, token, change)), code);
    },
  );

  it.each(
    (routes as readonly Route[])
      .filter((route) => takesBody(route) && requiredOf(route).length > 0)
      .map((route) => [route.action, route] as const),
  )("of %s without its required fields names each missing field", async (_action, route) => {
    const answer = await at.call(...requestTo(route, token, { input: {} }));
    expectProblem(answer, "BAD_DATA");
    const missing = answer.body.errors.map(({ field }: FieldError) => field);
    expect(missing.toSorted()).toEqual(requiredOf(route).toSorted());
  });

  it("that is not valid HTTP is BAD_DATA", async () => {
    for (const text of [
      "hello\r\n\r\n",
      "FETCH /users/me HTTP/1.1\r\nhost: h\r\n\r\n",
      "GET /users/me HTTP/9.9\r\nhost: h\r\n\r\n",
      "GET /users/me HTTP/1.1\r\nhost: h\r\nbad header\r\n\r\n",
      "POST /users/login HTTP/1.1\r\nhost: h\r\ncontent-length: x\r\n\r\n",
      "POST /users/login HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
      "GET /users/me HTTP/1.1\r\nconnection: close\r\n\r\n",
    ])
      expectRaw(await raw(at.port, text), "BAD_DATA", text);
  });

  it("that asks for a tunnel, or has no Host, gets an answer that any page can read", async () => {
    const tunnel = "CONNECT h:443 HTTP/1.1\r\nhost: h\r\norigin: http://h\r\n\r\n";
    const answer = await raw(at.port, tunnel);
    expectRaw(answer, "METHOD_NOT_ALLOWED", tunnel);
    expect(answer).toMatch(/^access-control-allow-origin: http:\/\/h\r$/im);
    const bare =
      "GET /market/items HTTP/1.1\r\norigin: https://a.example\r\nconnection: close\r\n\r\n";
    const refused = await raw(at.port, bare);
    expectRaw(refused, "BAD_DATA", bare);
    expect(refused).toMatch(/^access-control-allow-origin: https:\/\/a.example\r$/im);
  });

  it("in unused headers changes nothing", async () => {
    const answer = await at.call("GET", "/market/items", {
      headers: {
        "x-request-id": "mine",
        "x-correlation-id": "mine",
        "if-none-match": "*",
        range: "bytes=0-1",
        "x-http-method-override": "DELETE",
      },
    });
    expect([answer.status, answer.headers.get("x-request-id") === "mine"]).toEqual([200, false]);
    const expectant = await raw(
      at.port,
      "GET /health/live HTTP/1.1\r\nhost: h\r\nexpect: miracles\r\nconnection: close\r\n\r\n",
    );
    expect(codeIn(expectant)[0]).toBe(200);
  });
});

describe("identity", () => {
  const closed = routes.filter(({ who }) => who === "user") as readonly Route[];
  const open = routes.filter(({ who }) => who === "anyone") as readonly Route[];

  it.each(closed.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "is required by %s",
    async (_name, route) => {
      const bad = {
        none: undefined,
        empty: "",
        "another scheme": `Basic ${token}`,
        "no token": "Bearer ",
        "no JWT": "Bearer x",
        "two tokens": `Bearer ${token} ${token}`,
        "a changed one": `Bearer ${token.slice(0, -4)}AAAA`,
        unsigned: `Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.${token.split(".")[1]}.`,
        expired: `Bearer ${await at.token("u-1", { lives: -10 })}`,
        "for another audience": `Bearer ${await at.token("u-1", { audience: "elsewhere" })}`,
        "by another server": `Bearer ${await foreignToken("u-1")}`,
      };
      for (const [what, authorization] of Object.entries(bad)) {
        const [method, path, init] = requestTo(route, token);
        const { authorization: _right, ...rest } = init.headers as Record<string, string>;
        const answer = await at.call(method, path, {
          ...init,
          headers: { ...rest, ...(authorization !== undefined && { authorization }) },
        });
        expect([what, answer.status]).toEqual([what, 401]);
        expectProblem(answer, "UNAUTHENTICATED");
        expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      }
    },
  );

  it.each(open.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "is ignored by %s",
    async (_name, route) => {
      for (const sent of [token, "nonsense"]) {
        const answer = await at.call(...requestTo(route, sent));
        expect([answer.status, answer.body.user]).toEqual([route.success, null]);
      }
    },
  );

  it("is checked before the body is read and the service is looked up", async () => {
    const onlyUsers = await another({ present: ["users"] });
    expectProblem(await onlyUsers.call("POST", "/market/buy/1", post("{")), "UNAUTHENTICATED");
  });

  it("ends with its session", async () => {
    const left = await at.token("u-1", { sid: "s-ended" });
    const me = () => at.call("GET", "/users/me", { headers: { authorization: `Bearer ${left}` } });
    expect((await me()).status).toBe(200);
    await at.broker.broadcast("users.sessionEnded", {
      sid: "s-ended",
      userId: "u-1",
      until: new Date(Date.now() + 60_000).toISOString(),
    });
    await eventually(async () => expectProblem(await me(), "UNAUTHENTICATED"));
  });
});

describe("a failure", () => {
  it("keeps the code of every error that a service throws, and hides the reason of a 5xx", async () => {
    let thrown: Error;
    const made = await another({ handlers: { "market.item": () => Promise.reject(thrown) } });
    for (const code of Object.keys(errors) as ErrorCode[]) {
      if (code === "METHOD_NOT_ALLOWED") continue;
      thrown = refusal(code, "because of secret things");
      const answer = await made.call("GET", "/market/items/1");
      expectProblem(answer, code);
      const waits = code === "UNAVAILABLE" || code === "TOO_MANY_REQUESTS";
      expect(answer.headers.get("retry-after")).toBe(waits ? "1" : null);
      expect(answer.body.detail).toBe(
        errors[code].status < 500 ? "because of secret things" : errors[code].title,
      );
    }
    thrown = refusal("TOO_MANY_REQUESTS", "Slower", { retryAfter: 41.5 });
    expect((await made.call("GET", "/market/items/1")).headers.get("retry-after")).toBe("42");
  });

  it("that is unexpected is INTERNAL; its reason is in the log once and not in the response", async () => {
    const made = await another({
      handlers: { "market.item": () => Promise.reject(new TypeError("secret of mongodb://db:1")) },
    });
    const answer = await made.call("GET", "/market/items/1");
    expectProblem(answer, "INTERNAL");
    expect(answer.text + JSON.stringify([...answer.headers])).not.toMatch(
      /secret|mongodb|TypeError|\.ts/,
    );
    const lines = made.logged.filter((line) => line.includes("secret"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(answer.body.requestId);
  });

  it("of an unavailable service is immediate and logged once; other services are not affected", async () => {
    const made = await another({ present: ["users"] });
    for (const route of routes as readonly Route[]) {
      const before = made.logged.length;
      const startedAt = runningTime();
      const answer = await made.call(...requestTo(route, token));
      if (route.action.startsWith("users.")) {
        expect(answer.status).toBe(route.success);
        continue;
      }
      expectProblem(answer, "UNAVAILABLE");
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(runningTime() - startedAt).toBeLessThan(500);
      expect(
        made.logged.slice(before).filter((line) => line.includes(answer.body.requestId)),
      ).toHaveLength(1);
      expect(made.logged).toHaveLength(before + 1);
    }
  });

  it("by a timeout is TIMEOUT within 10 s, and a buy is not repeated", async () => {
    let calls = 0;
    const never = () => new Promise((resolve) => setTimeout(resolve, 20_000, calls++).unref());
    const retrying = { retryPolicy: { enabled: true, retries: 5, delay: 10, check: () => true } };
    const made = await another({ handlers: { "market.buy": never as never }, broker: retrying });
    const startedAt = runningTime();

    const answer = await made.call("POST", "/market/buy/1", {
      headers: { authorization: `Bearer ${token}` },
    });

    expectProblem(answer, "TIMEOUT");
    expect(runningTime() - startedAt).toBeLessThan(10_000);
    expect(calls).toBe(1);
  });

  it("caused by the client is not logged", async () => {
    const before = at.logged.length;
    await at.call("GET", "/nowhere");
    await at.call("GET", "/market/items?x=1");
    await at.call("GET", "/users/me");
    expect(at.logged.slice(before)).toEqual([]);
  });
});

describe("a request that never ends", () => {
  const start = (extra = "") =>
    `POST /users/login HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n${extra}`;
  const trickle = (piece: string) =>
    Array.from({ length: 40 }, () => [{ pause: 500 }, piece]).flat();
  const timed = async (
    ...pieces: Parameters<typeof raw> extends [number, ...infer Pieces] ? Pieces : never
  ) => {
    const startedAt = runningTime();
    const connection = raw(at.port, ...pieces);
    const answer = await connection.answered;
    const answeredAfter = runningTime() - startedAt;
    await connection;
    return { answer, answeredAfter, closedAfter: runningTime() - startedAt };
  };

  it("is answered within 10 s when its body is slow, and closed within 16 s in any case", async () => {
    const [body, headers, nothing] = await Promise.all([
      timed(start("content-length: 1000\r\n\r\n"), ...trickle(" ")),
      timed(start(), ...trickle("x: y\r\n")),
      timed(),
    ]);

    expectRaw(body.answer, "BAD_DATA");
    expect(body.answeredAfter).toBeLessThan(10_000);
    expectRaw(headers.answer, "BAD_DATA");
    for (const { closedAfter } of [body, headers, nothing])
      expect(closedAfter).toBeLessThan(16_000);
  });
});

describe("a browser", () => {
  const page = "https://shop.example";
  const from = (origin: string, more = {}) => ({ headers: { origin, ...more } });

  it("may send requests from the own origin and listed origins, and read errors too", async () => {
    const localhost = "http://localhost:5173";
    for (const origin of [at.url, at.url.replace("http:", "https:"), page, localhost]) {
      for (const answer of [
        await at.call("GET", "/market/items", from(origin)),
        await at.call("GET", "/nowhere", from(origin)),
        await at.call("GET", "/users/%zz", from(origin)),
        await at.call("GET", "/users/me", from(origin)),
        await at.call("POST", "/users/login", post("{", { origin })),
        await at.call("POST", "/users/login", post("x".repeat(40_000), { origin })),
      ]) {
        expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
        expect(answer.headers.get("access-control-expose-headers")).toMatch(
          /Retry-After.*X-Request-Id/,
        );
        expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
        expect(answer.headers.get("vary")).toBe("Origin");
      }
    }
  });

  it.each([
    "https://evil.example",
    "http://shop.example",
    "https://shop.example.evil.com",
    "https://shop.exampl",
    "https://shop.example:444",
    "null",
    "",
  ])("may not send requests from %s", async (origin) => {
    for (const answer of [
      await at.call("GET", "/market/items", from(origin)),
      await at.call(
        "OPTIONS",
        "/users/login",
        from(origin, { "access-control-request-method": "POST" }),
      ),
    ]) {
      expectProblem(answer, "FORBIDDEN");
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(answer.headers.get("vary")).toBe("Origin");
    }
  });

  it("learns the allowed methods and headers from a preflight", async () => {
    const answer = await at.call(
      "OPTIONS",
      "/market/items/1",
      from(page, { "access-control-request-method": "PATCH" }),
    );
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(new Set(answer.headers.get("access-control-allow-methods")?.split(", "))).toEqual(
      new Set(["HEAD", ...routes.map(({ method }) => method)]),
    );
    const headers = answer.headers.get("access-control-allow-headers")!.toLowerCase().split(", ");
    for (const name of [
      ...["authorization", "content-type", "idempotency-key"],
      ...["traceparent", "tracestate", "baggage", "sentry-trace", "x-request-id"],
      ...["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-datadog-trace-id"],
    ])
      expect(headers).toContain(name);
  });

  it("reads why the parser refused its request, if its origin is allowed", async () => {
    const large = `x: ${"y".repeat(20_000)}\r\n\r\n`;
    const bad = "bad header\r\n\r\n";
    const start = (origin: string) =>
      `GET /users/me HTTP/1.1\r\nhost: 127.0.0.1:${at.port}\r\norigin: ${origin}\r\n`;
    for (const [origin, allowed] of [
      [page, page],
      ["http://localhost:5173", "http://localhost:5173"],
      ["https://evil.example", undefined],
      ["null", undefined],
    ] as const)
      for (const [rest, code] of [
        [large, "TOO_LARGE"],
        [bad, "BAD_DATA"],
      ] as const) {
        const answer = await raw(at.port, start(origin) + rest);
        expectRaw(answer, code);
        expect(/access-control-allow-origin: (.*)\r/.exec(answer)?.[1]).toBe(allowed);
        expect(answer).toMatch(/content-security-policy: default-src 'none'/);
        expect(answer).toMatch(/vary: Origin/);
      }

    const inPieces = await raw(at.port, start(page), { pause: 100 }, large);
    expectRaw(inPieces, "TOO_LARGE");
    expect(inPieces).toMatch(/access-control-allow-origin: \*/);
    const inBody = await raw(
      at.port,
      `POST /users/login HTTP/1.1\r\nhost: 127.0.0.1:${at.port}\r\norigin: ${page}\r\n` +
        "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    );
    expectRaw(inBody, "BAD_DATA");
    expect(inBody).toContain(`access-control-allow-origin: ${page}`);
  });

  it("gets a strict content security policy in every response, also to invalid HTTP", async () => {
    for (const path of ["/market/items", "/nowhere", "/health/live"]) {
      const { headers } = await at.call("GET", path);
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none';.*frame-ancestors 'none'/,
      );
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("permissions-policy")).toContain("camera=()");
      expect([headers.get("x-content-type-options"), headers.get("x-powered-by")]).toEqual([
        "nosniff",
        null,
      ]);
    }
    expect(await raw(at.port, "hello\r\n\r\n")).toMatch(
      /content-security-policy: default-src 'none'/,
    );
  });
});

describe("a burst", () => {
  const thousand = async ({ port }: Gateway) => {
    const text = "GET /market/items HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => raw(port, text)));
    return answers.map((answer) => codeIn(answer)[0]);
  };
  const all200 = (count: number) => Array<number>(count).fill(200);

  it("of 1,000 requests, each on its own connection, is admitted", async () => {
    expect(await thousand(await another({}))).toEqual(all200(1_000));
  });

  it("above the limit is shed at once with Retry-After, while admitted requests and health checks are answered", async () => {
    const held = gate();
    const slow = () => held.opened().then(() => ({ ok: true }));
    const made = await another({
      handlers: { "market.items": slow },
      settings: { maxInFlight: 20 },
    });

    const within = Array.from({ length: 20 }, () => made.call("GET", "/market/items"));
    await eventually(() => expect(held.waiting()).toBe(20));
    const above = await made.call("GET", "/market/items");
    const live = await made.call("GET", "/health/live");
    held.open();

    expectProblem(above, "UNAVAILABLE");
    expect(above.headers.get("retry-after")).toBe("1");
    expect(live.status).toBe(200);
    expect((await Promise.all(within)).map(({ status }) => status)).toEqual(all200(20));
    expect((await made.call("GET", "/market/items")).status).toBe(200);
  });

  it("is shed while calls are slow, and a thousand are admitted when they are fast again", async () => {
    let isSlow = true;
    let [calls, inFlight] = [0, 0];
    const busy = async () => {
      inFlight++;
      // Different durations, so that the calls do not all end at the same time.
      if (isSlow) await pause(600 + (calls++ % 10) * 60);
      else await pause(20);
      inFlight--;
      return { ok: true };
    };
    const made = await another({
      handlers: { "market.items": busy },
      settings: { minInFlight: 20 },
    });

    let refused: { answer: Answered; inFlight: number } | undefined;
    const callUntilRefused = async () => {
      while (!refused) {
        const answer = await made.call("GET", "/market/items");
        if (answer.status !== 200) refused ??= { answer, inFlight };
      }
    };
    await Promise.all(Array.from({ length: 60 }, callUntilRefused));
    isSlow = false;

    expectProblem(refused!.answer, "UNAVAILABLE");
    expect(refused!.answer.headers.get("retry-after")).toBe("1");
    expect(refused!.inFlight).toBeGreaterThanOrEqual(20);
    expect(await thousand(made)).toEqual(all200(1_000));
  });

  it("returns the places of abandoned requests when their calls end", async () => {
    const held = gate();
    const slow = () => held.opened().then(() => ({ ok: true }));
    const made = await another({
      handlers: { "market.items": slow },
      settings: { maxInFlight: 4 },
    });
    const abandon = new AbortController();
    const abandoned = Array.from({ length: 4 }, () =>
      made.call("GET", "/market/items", { signal: abandon.signal }).catch(() => "abandoned"),
    );
    await eventually(() => expect(held.waiting()).toBe(4));
    abandon.abort();
    expect(await Promise.all(abandoned)).toEqual(Array(4).fill("abandoned"));
    // The service is still at work on them.
    expect((await made.call("GET", "/market/items/1")).status).toBe(503);
    held.open();
    await eventually(async () =>
      expect((await made.call("GET", "/market/items/1")).status).toBe(200),
    );
  });

  it("at a slow service sheds load of that service only, and is logged in one line", async () => {
    const held = gate();
    const slow = () => held.opened().then(() => ({ ok: true }));
    const made = await another({
      handlers: { "market.items": slow },
      settings: { maxInFlight: 20 },
    });
    const within = Array.from({ length: 20 }, () => made.call("GET", "/market/items"));
    await eventually(() => expect(held.waiting()).toBe(20));

    const others = await Promise.all(
      ["/users/u-1", "/notifications"].map((path) =>
        made.call("GET", path, { headers: { authorization: `Bearer ${token}` } }),
      ),
    );
    const above = await Promise.all(
      ["/market/items/1", "/market/items"].map((path) => made.call("GET", path)),
    );
    held.open();
    await Promise.all(within);

    expect(others.map(({ status }) => status)).toEqual([200, 200]);
    for (const answer of above) expectProblem(answer, "UNAVAILABLE");
    expect(made.logged).toEqual([
      expect.stringContaining(
        "Shedding load of market: requests above 20 calls in flight get 503.",
      ),
    ]);
  });
});

describe("starting", () => {
  it("on a taken port fails with one sentence that names the port", async () => {
    await expect(gateway({ settings: { port: at.port } })).rejects.toThrow(
      `PORT ${at.port} on 127.0.0.1 is taken by another process: stop that one, or choose another PORT.`,
    );
  });

  it("on an address of another machine fails with one sentence", async () => {
    await expect(gateway({ settings: { ip: "192.0.2.1" } })).rejects.toThrow(
      "HOST 192.0.2.1 is not an address of this machine",
    );
  });
});

describe("stopping", () => {
  it("answers running requests with Connection: close, accepts no new ones, and does not wait for idle connections", async () => {
    const held = gate();
    const slow = () => held.opened().then(() => ({ ok: true }));
    const made = await gateway({ handlers: { "market.items": slow } });
    const silent = connect(made.port, "127.0.0.1");
    const agent = new Agent({ keepAlive: true });
    const idle = request({ port: made.port, path: "/health/live", agent }).end();
    (await once(idle, "response"))[0].resume();
    const running = request({ port: made.port, path: "/market/items" }).end();
    await eventually(() => expect(held.waiting()).toBe(1));

    const startedAt = runningTime();
    const stopping = made.stop();
    await eventually(() => expect(fetch(`${made.url}/health/live`)).rejects.toThrow());
    held.open();
    const [answer] = await once(running, "response");
    answer.resume();
    await stopping;

    expect([answer.statusCode, answer.headers.connection]).toEqual([200, "close"]);
    expect(runningTime() - startedAt).toBeLessThan(3_000);
    silent.destroy();
    agent.destroy();
  });

  it("accepts no new requests while the broker waits for calls to other nodes", async () => {
    const held = gate();
    const { ServiceBroker } = await import("moleculer");
    const fabric: BrokerOptions = { transporter: "Fake", namespace: randomUUID() };
    const far = new ServiceBroker({ nodeID: "far", logger: false, ...fabric });
    const slow = () => held.opened().then(() => ({ ok: true }));
    far.createService({ name: "market", actions: { items: slow } });
    await far.start();
    const made = await gateway({ present: ["users"], broker: fabric });
    await made.broker.waitForServices("market", 5_000);
    const running = made.call("GET", "/market/items");
    await eventually(() => expect(held.waiting()).toBe(1));

    const stopping = made.stop();
    await eventually(() => expect(fetch(`${made.url}/health/live`)).rejects.toThrow(), {
      within: 1_500,
    });
    held.open();

    expect((await running).status).toBe(200);
    await stopping;
    await far.stop();
  });

  it.each(["was silent until then", "has had a response"])(
    "answers a request in transit of a client that %s",
    async (which) => {
      const made = await gateway();
      const client = connect(made.port, "127.0.0.1");
      const ask = () => client.write("GET /health/live HTTP/1.1\r\nhost: h\r\n\r\n");
      let received = "";
      client.on("data", (chunk) => (received += chunk));
      await once(client, "connect");
      if (which === "has had a response") {
        ask();
        await eventually(() => expect(received).toMatch(/live/));
        received = "";
      } else await made.call("GET", "/health/live"); // accepted after the silent connection, so the server has both

      const stopping = made.stop();
      await eventually(() => expect(fetch(`${made.url}/health/live`)).rejects.toThrow(), {
        every: 1,
      });
      ask();
      await once(client, "close");

      expect(received).toMatch(/^HTTP\/1.1 200 .*\r\nconnection: close\r\n/is);
      await stopping;
    },
  );

  it("does not wait for a connection without a request", async () => {
    const made = await gateway();
    const silent = connect(made.port, "127.0.0.1");
    await once(silent, "connect");
    await made.call("GET", "/health/live"); // accepted after the silent connection, so the server has both
    const startedAt = runningTime();
    await made.stop();
    expect(runningTime() - startedAt).toBeLessThan(3_000);
    silent.destroy();
  });

  it("ends within 5 s, even when a call hangs", async () => {
    let inFlight = 0;
    const never = () => new Promise((resolve) => setTimeout(resolve, 20_000, inFlight++).unref());
    const made = await gateway({ handlers: { "market.items": never as never } });
    const half = raw(
      made.port,
      "POST /users/login HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n{",
    );
    const hanging = fetch(`${made.url}/market/items`).catch(() => "cut");
    await eventually(() => expect(inFlight).toBe(1));
    const startedAt = runningTime();
    await made.stop();
    expect(runningTime() - startedAt).toBeLessThan(5_000);
    await Promise.allSettled([hanging, half]);
  });
});

describe("health", () => {
  /** The health of a market in which each service has this state, except those that are named. */
  const health = (state: ServiceState, changed: Record<string, ServiceState> = {}) => ({
    ...Object.fromEntries(services.map((name) => [name, state])),
    api: "up",
    ...changed,
  });

  it("is live while the process runs, and ready when every service is up", async () => {
    const healthy = await another({});
    expect((await healthy.call("GET", "/health/live")).body).toEqual({ status: "live" });
    const answer = await healthy.call("GET", "/health/ready");
    expect([answer.status, answer.body]).toEqual([
      200,
      { status: "ready", services: health("up") },
    ]);
    expectProblem(await healthy.call("POST", "/health/live"), "METHOD_NOT_ALLOWED");
  });

  it("distinguishes an unreachable service, a silent one and an unreachable database, within a second", async () => {
    const never = () => new Promise((resolve) => setTimeout(resolve, 20_000).unref());
    const made = await another({
      present: ["market", "users"],
      handlers: {
        "market.health": () => Promise.reject(refusal("UNAVAILABLE")),
        "users.health": never as never,
      },
    });
    const startedAt = runningTime();
    const answer = await made.call("GET", "/health/ready");
    expect([answer.status, answer.body]).toEqual([
      503,
      {
        status: "not ready",
        services: health("unreachable", {
          market: "database unreachable",
          users: "unresponsive",
        }),
      },
    ]);
    expect(runningTime() - startedAt).toBeLessThan(1_500);
    expect((await made.call("GET", "/health/live")).status).toBe(200);
  });

  it("says that a silent service is overloaded while requests to it are shed", async () => {
    const held = gate();
    const never = () => held.opened().then(() => ({ ok: true }));
    const made = await another({
      handlers: { "market.items": never, "market.health": never, "users.health": never },
      settings: { maxInFlight: 2 },
    });
    const waiting = Array.from({ length: 2 }, () => made.call("GET", "/market/items"));
    await eventually(() => expect(held.waiting()).toBe(2));
    expect((await made.call("GET", "/health/ready")).body).toEqual({
      status: "not ready",
      services: health("up", { market: "overloaded", users: "unresponsive" }),
    });
    held.open();
    await Promise.all(waiting);
  });

  it("runs one check for all callers of a quarter of a second", async () => {
    let rounds = 0;
    const released = Promise.withResolvers();
    const ask = shared(async () => {
      rounds++;
      await released.promise;
    });
    const asking = Array.from({ length: 20 }, () => ask());
    released.resolve(null);
    await Promise.all(asking);
    await ask();
    expect(rounds).toBe(1);
    await eventually(async () => {
      await ask();
      expect(rounds).toBe(2);
    });
  });

  it("of a node without api is served on its own port, for its own services", async () => {
    const healthPort = await freePort();
    const at = `http://127.0.0.1:${healthPort}`;
    let isWell = true;
    const { ServiceBroker } = await import("moleculer");
    const broker = new ServiceBroker({
      logger: false,
      middlewares: [nodeHealth({ healthPort, host: "127.0.0.1", services: ["market"] })],
    });
    const opening = Promise.withResolvers();
    broker.createService({
      name: "market",
      actions: { health: () => (isWell ? { ok: true } : Promise.reject(refusal("UNAVAILABLE"))) },
      started: async () => void (await opening.promise),
    });

    const starting = broker.start();
    // Its service has not started yet, as when its database is unavailable.
    await eventually(async () => expect((await fetch(`${at}/health/live`)).status).toBe(200));
    expect(await (await fetch(`${at}/health/ready`)).json()).toEqual({
      status: "not ready",
      services: { market: "unreachable" },
    });
    opening.resolve(null);
    await starting;
    await eventually(async () => {
      const up = await fetch(`${at}/health/ready`);
      expect([up.status, await up.json()]).toEqual([
        200,
        { status: "ready", services: { market: "up" } },
      ]);
    });
    isWell = false;
    await eventually(async () => {
      const down = await fetch(`${at}/health/ready`);
      expect([down.status, await down.json()]).toEqual([
        503,
        { status: "not ready", services: { market: "database unreachable" } },
      ]);
    });
    expect((await fetch(`${at}/market/items`)).status).toBe(404);
    await broker.stop();
    await expect(fetch(`${at}/health/live`)).rejects.toThrow();
  });

  it("of a node on a taken HEALTH_PORT fails the start with one sentence", async () => {
    const { ServiceBroker } = await import("moleculer");
    const middlewares = [
      nodeHealth({ healthPort: at.port, host: "127.0.0.1", services: ["market"] }),
    ];
    await expect(new ServiceBroker({ logger: false, middlewares }).start()).rejects.toThrow(
      `HEALTH_PORT ${at.port} on 127.0.0.1 is taken`,
    );
  });

  it.each([
    ["that hosts api", { healthPort: 0, services: ["api", "market"] }],
    ["without HEALTH_PORT", { healthPort: undefined, services: ["market"] }],
    ["without services", { healthPort: 0, services: [] }],
  ] as const)("of a node %s opens no port", async (_what, config) => {
    const { ServiceBroker } = await import("moleculer");
    const open = () =>
      process.getActiveResourcesInfo().filter((what) => what === "TCPServerWrap").length;
    const before = open();
    const broker = new ServiceBroker({
      logger: false,
      middlewares: [nodeHealth({ host: "127.0.0.1", ...config })],
    });
    await broker.start();
    expect(open()).toBe(before);
    await broker.stop();
  });
});
