/** Only what the contract publishes can be reached, and a client cannot choose its identity. */
import type { ActionSchema, BrokerOptions, Context, ServiceBroker } from "moleculer";
import { actions } from "../../contracts/actions.ts";
import { routes } from "../../contracts/routes.ts";
import { Client } from "../support/client.ts";
import { paramsOf } from "../support/examples.ts";
import { Device } from "../support/device.ts";
import { raw } from "../support/gateway.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

/** What services call by themselves: for readiness, ended sessions, and the mails that verify the users' addresses. */
const byItself = /^(users\.ended|users\.verificationLink|users\.address|\w+\.health)$/;

/** Every action that ran, with its caller's metadata. */
const ran: { action: string; meta: Record<string, unknown>; params: unknown }[] = [];
const recorder = {
  name: "Recorder",
  localAction:
    (next: (ctx: Context) => Promise<unknown>, { name }: ActionSchema) =>
    (ctx: Context) => {
      ran.push({ action: name!, meta: { ...ctx.meta }, params: ctx.params });
      return next(ctx);
    },
};

const folder = temporaryFolder();
let broker: ServiceBroker;
let api: string;
let sockets: string;
let user: Client;
const devices: Device[] = [];

beforeAll(async () => {
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "error",
    RATE_SCALE: "1000000",
  });
  const { startNode } = await import("../../bin/node.ts");
  const { default: options } = (await import("../../moleculer.config.ts")) as {
    default: BrokerOptions;
  };
  broker = await startNode([], {
    middlewares: [...options.middlewares!, recorder] as BrokerOptions["middlewares"],
    started: () => {},
  });
  const at = (service: string) =>
    (broker.getLocalService(service) as unknown as { address(): { port: number } }).address().port;
  [api, sockets] = [`http://127.0.0.1:${at("api")}`, `http://127.0.0.1:${at("notifications")}`];
  user = await Client.registered(api);
});
afterAll(async () => {
  for (const device of devices) device.close();
  await broker?.stop();
  folder.remove();
});

function device(
  options: ConstructorParameters<typeof Device>[2] & { token?: unknown } = {},
): Device {
  const { token = user.session!.accessToken, ...rest } = options;
  const made = new Device(sockets, token, rest);
  devices.push(made);
  return made;
}

const registered = () =>
  broker.registry.actions
    .list({ withEndpoints: false })
    .map(({ name, action }) => [name, action as ActionSchema] as const);
const published = new Set<string>(routes.map(({ action }) => action));
const inner = () =>
  registered()
    .map(([name]) => name)
    .filter((name) => !published.has(name));

describe("every action that exists", () => {
  it("is in the contract, or is Moleculer's own", () => {
    const known = new Set<string>([...Object.keys(actions), "api.rest"]);
    expect(
      registered()
        .map(([name]) => name)
        .filter((name) => !known.has(name) && !name.startsWith("$node.")),
    ).toEqual([]);
  });

  it("is published if and only if it has a route", () => {
    for (const [name, { visibility }] of registered().filter(([each]) => each in actions))
      expect([name, visibility]).toEqual([name, published.has(name) ? "published" : "public"]);
  });

  it("checks its params for every caller", async () => {
    for (const name of Object.keys(actions)) {
      const call = broker.call(name, { $where: "1" }, { meta: { user: { id: "u" } } });
      await expect(call).rejects.toMatchObject({ type: "BAD_DATA" });
    }
  });

  it("that needs a user refuses calls without one", async () => {
    const forUsers = routes.filter(({ who }) => who === "user").map(({ action }) => action);
    for (const name of forUsers)
      await expect(broker.call(name, paramsOf(name))).rejects.toMatchObject({
        type: "UNAUTHENTICATED",
      });
  });
});

describe("an action without a route", () => {
  const tricks = (name: string): string[] => {
    const [service = "", action = ""] = name.split(".");
    return [
      `/${name}`,
      `/${service}/${action}`,
      `/${service}/${action}/`,
      `/api/${service}/${action}`,
      `/${service}%2F${action}`,
      `/${service}%2e${action}`,
      `/${service}%252F${action}`,
      `//${service}/${action}`,
      `/./${service}/${action}`,
      `/market/../${service}/${action}`,
      `/market/items/..%2f..%2f${service}%2f${action}`,
      `/market/items/../../${service}/${action}`,
      `/${service}\\${action}`,
      `/${service};x=1/${action}`,
      `/${service}/${action}%00`,
      `/${service}/${action}.json`,
      `/${service.toUpperCase()}/${action}`,
      `/market/items?action=${name}`,
      `/?action=${name}&params={}`,
      `/${name}?meta={}`,
      `http://other.example/${service}/${action}`,
    ];
  };

  /** The page is the response to "/" with any query, when it is built. */
  const isPage = (answer: string) =>
    /^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)*content-type: text\/html/.test(answer);

  it("is not reached by any path", async () => {
    const port = Number(new URL(api).port);
    const head = `host: h\r\nauthorization: Bearer ${user.session!.accessToken}\r\nx-original-url: /notifications/notify\r\nx-rewrite-url: /notifications/notify\r\nx-http-method-override: POST\r\nconnection: close\r\n`;
    ran.length = 0;
    const reached: string[] = [];
    for (const name of inner())
      for (const path of tricks(name)) {
        const body = JSON.stringify({ userId: user.id, text: "forged" });
        const answers = await Promise.all([
          raw(port, `GET ${path} HTTP/1.1\r\n${head}\r\n`),
          raw(
            port,
            `POST ${path} HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
          ),
        ]);
        for (const answer of answers)
          if (!/^HTTP\/1\.1 4\d\d /.test(answer) && !isPage(answer))
            reached.push(`${path}: ${answer.slice(0, 60)}`);
      }
    expect(reached).toEqual([]);
    // A path that does match a route calls its action with a text as id. Services call others by themselves.
    const internal = ran
      .map(({ action }) => action)
      .filter((action) => !published.has(action) && action !== "api.rest");
    expect(internal.filter((action) => !byItself.test(action))).toEqual([]);
  });

  it("is not reached by any event", async () => {
    const others = devices.length;
    let mine = device();
    await mine.receives("inbox");
    ran.length = 0;

    for (const [n, name] of inner().entries()) {
      // A connection may send a hundred events in ten seconds.
      if (n % 20 === 19) mine = device();
      const params = { userId: user.id, text: "forged" };
      const attempts: [string, ...unknown[]][] = [
        [name, params],
        ["call", name, params],
        ["action", { name, params }],
        ["emit", name, params],
      ];
      for (const [event, ...args] of attempts)
        expect(await mine.ask(event, ...args)).toMatchObject({ ok: false, code: "NOT_FOUND" });
    }

    expect(ran.filter(({ action }) => !byItself.test(action))).toEqual([]);
    const received = devices.slice(others).flatMap((one) => one.received("notification"));
    expect(received).toEqual([]);
  });
});

describe("a request that two servers could interpret differently", () => {
  const post = (headers: string, body = "") =>
    `POST /users/refresh HTTP/1.1\r\n${headers}content-type: application/json\r\n\r\n${body}`;
  const chunked = '14\r\n{"refreshToken":"r"}\r\n0\r\n\r\n';

  it.each([
    [
      "with a length and chunks",
      post("host: h\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n", chunked),
    ],
    [
      "with chunks and a length",
      post("host: h\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n", chunked),
    ],
    [
      "with two lengths",
      post("host: h\r\ncontent-length: 20\r\ncontent-length: 5\r\n", '{"refreshToken":"r"}'),
    ],
    [
      "with a list of lengths",
      post("host: h\r\ncontent-length: 20, 20\r\n", '{"refreshToken":"r"}'),
    ],
    ["with a signed length", post("host: h\r\ncontent-length: +20\r\n", '{"refreshToken":"r"}')],
    [
      "with chunks that are not the last coding",
      post("host: h\r\ntransfer-encoding: chunked, identity\r\n", chunked),
    ],
    [
      "with a coding before the chunks",
      post("host: h\r\ntransfer-encoding: gzip, chunked\r\n", chunked),
    ],
    [
      "with chunks in HTTP/1.0",
      post("host: h\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n", chunked).replace(
        "HTTP/1.1",
        "HTTP/1.0",
      ),
    ],
    ["with a space before the colon", post("host: h\r\ntransfer-encoding : chunked\r\n", chunked)],
    ["with a folded header", "GET /market/items HTTP/1.1\r\nhost: h\r\nx: a\r\n b\r\n\r\n"],
    ["with bare line feeds", "GET /market/items HTTP/1.1\nhost: h\n\n"],
    [
      "with two hosts",
      "GET /market/items HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
    ],
    ...["a/b", "a b", "h@b", `${"a".repeat(301)}`, "[::1", "a:b"].map((host) => [
      `for the host ${host.slice(0, 10)}`,
      `GET /market/items HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
    ]),
  ])("%s is BAD_DATA, and calls no action", async (_what, bytes) => {
    ran.length = 0;
    const answer = await raw(Number(new URL(api).port), bytes);

    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"code":"BAD_DATA"/);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(ran.filter(({ action }) => published.has(action))).toEqual([]);
  });

  it("with two tokens is UNAUTHENTICATED", async () => {
    const bearer = `authorization: Bearer ${user.session!.accessToken}\r\n`;

    const answer = await raw(
      Number(new URL(api).port),
      `GET /users/me HTTP/1.1\r\nhost: h\r\nconnection: close\r\n${bearer}${bearer}\r\n`,
    );

    expect(answer).toContain('"code":"UNAUTHENTICATED"');
  });
});

describe("the caller's identity", () => {
  const forged = {
    user: { id: "victim" },
    meta: { user: { id: "victim" } },
    $meta: { user: { id: "victim" } },
    userId: "victim",
    ctx: {},
  };
  const headers = {
    "x-user": "victim",
    "x-user-id": "victim",
    "x-moleculer-meta": JSON.stringify({ user: { id: "victim" } }),
    meta: JSON.stringify({ user: { id: "victim" } }),
    user: "victim",
    "x-forwarded-user": "victim",
    cookie: `token=${"x".repeat(20)}; user=victim`,
  };
  const calls = () => ran.filter(({ action }) => published.has(action));

  it("comes only from the token of a request", async () => {
    ran.length = 0;
    const authorization = `Bearer ${user.session!.accessToken}`;

    await fetch(`${api}/market/purchases`, { headers: { ...headers, authorization } });
    await fetch(`${api}/market/items`, { headers });

    expect(
      calls().map(({ action, meta, params }) => [
        action,
        (meta.user as { id?: string })?.id,
        params,
      ]),
    ).toEqual([
      ["market.purchases", user.id, {}],
      ["market.items", undefined, {}],
    ]);
    for (const [name, value] of Object.entries(forged)) {
      const refused = await user.call("POST", "/market/items", {
        title: "T",
        price: 1,
        [name]: value,
      });
      expect([name, refused.status, refused.body.code]).toEqual([name, 400, "BAD_DATA"]);
      expect(await user.call("GET", `/market/purchases?${name}=victim`)).toMatchObject({
        status: 400,
      });
    }
    expect(calls()).toHaveLength(2);
  });

  it("comes only from the token of a handshake or an event", async () => {
    ran.length = 0;
    const victim = device({
      auth: forged,
      token: null,
      query: { user: "victim", token: "x" },
      extraHeaders: headers,
    });
    await victim.connects();
    expect(await victim.ask("read", { all: true })).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(
      await victim.ask("authorize", { token: user.session!.accessToken, user: { id: "victim" } }),
    ).toMatchObject({ code: "BAD_DATA" });

    const mine = device({ auth: { ...forged, token: user.session!.accessToken } });
    await mine.receives("inbox");
    for (const extra of Object.keys(forged))
      expect(await mine.ask("read", { all: true, [extra]: "victim" })).toMatchObject({
        code: "BAD_DATA",
      });
    expect(await mine.ask("read", { all: true }, forged)).toEqual({ all: true, unread: 0 });
    expect(
      (await mine.ask("authorize", { token: user.session!.accessToken }, forged)) as object,
    ).toEqual({ ok: true, userId: user.id });
    expect(calls()).toEqual([]);
  });
});

describe("what a node publishes to other nodes and the REPL", () => {
  it("contains no secret of its settings or options", async () => {
    const { env } = await import("../../broker/env.ts");
    const own = JSON.stringify(broker.registry.getLocalNodeInfo(true));
    const listed = await Promise.all(
      ["list", "services", "actions", "events", "health"].map((name) =>
        broker.call(`$node.${name}`, name === "services" ? { withActions: true } : {}),
      ),
    );
    for (const text of [own, ...listed.map((answer) => JSON.stringify(answer))]) {
      for (const secret of [env.keys.private!.d!, env.keys.samplePassword!, folder.path])
        expect(text).not.toContain(secret);
    }
  });

  it("does not contain the broker's options, which hold the URL of RabbitMQ", async () => {
    await expect(broker.call("$node.options")).rejects.toMatchObject({ type: "SERVICE_NOT_FOUND" });
    expect(await broker.call("$node.list")).toHaveLength(1);
  });
});
