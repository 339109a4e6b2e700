import { jest } from "@jest/globals";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createSouk, SoukError } from "../../client/index.ts";
import { routes } from "../../contracts/routes.ts";
import { networkDown, problem, Wire } from "../support/wire.ts";

const session = (n = 1, expiresIn = 900) => ({
  user: {
    id: "u1",
    name: "Selma",
    email: "selma@souk.test",
    createdAt: "2026-01-01T00:00:00.000Z",
  },
  accessToken: `access-${n}`,
  refreshToken: `refresh-${n}`,
  expiresIn,
});
const credentials = { email: "selma@souk.test", password: "correct horse" };

async function signedIn() {
  const wire = new Wire();
  const souk = createSouk({ url: "http://fake.test/", fetch: wire.fetch });
  wire.instead = () => [200, session()];
  await souk.signIn(credentials);
  wire.asked.length = 0;
  return { wire, souk };
}
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (error instanceof SoukError ? error.code : error),
  );

describe("a call", () => {
  it("puts each param where the table of routes has it", async () => {
    const { wire, souk } = await signedIn();
    wire.instead = () => [200, {}];
    await souk.items({ search: "tea & lämp", sold: false, limit: 5, cursor: undefined });
    await souk.item("a/../b?c");
    await souk.buy("i1");
    await souk.buy("i1", { price: 5 });
    await souk.revise("i1", { title: "Lamp" });
    await souk.withdraw("i1");
    await souk.read({ all: true });

    expect(wire.asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["GET", "/market/items?search=tea%20%26%20l%C3%A4mp&sold=false&limit=5", undefined],
      ["GET", "/market/items/a%2F..%2Fb%3Fc", undefined],
      ["POST", "/market/buy/i1", undefined],
      ["POST", "/market/buy/i1", { price: 5 }],
      ["PATCH", "/market/items/i1", { title: "Lamp" }],
      ["DELETE", "/market/items/i1", undefined],
      ["POST", "/notifications/read", { all: true }],
    ]);
  });

  it("brings the token where the route asks who calls, and nowhere else", async () => {
    const { wire, souk } = await signedIn();
    wire.instead = () => [200, session()];
    const calls = {
      "users.register": () => souk.register({ ...credentials, name: "Selma" }),
      "users.login": () => souk.signIn(credentials),
      "users.me": () => souk.me(),
      "users.profile": () => souk.profile("u2"),
      "users.changePassword": () => souk.changePassword({ password: "a", newPassword: "b" }),
      "market.items": () => souk.items(),
      "market.item": () => souk.item("i1"),
      "market.offer": () => souk.offer({ title: "Lamp", price: 1 }),
      "market.revise": () => souk.revise("i1", { price: 2 }),
      "market.withdraw": () => souk.withdraw("i1"),
      "market.buy": () => souk.buy("i1"),
      "market.purchases": () => souk.purchases(),
      "market.sales": () => souk.sales(),
      "notifications.inbox": () => souk.notifications(),
      "notifications.read": () => souk.read({ ids: ["n1"] }),
      "users.logout": () => souk.signOut(),
    };
    const signOutLast = routes.toSorted(
      (a, b) => Number(a.action === "users.logout") - Number(b.action === "users.logout"),
    );
    for (const { action, who } of signOutLast) {
      if (action === "users.refresh") continue; // the client's own
      await calls[action]();
      expect([action, wire.asked.at(-1)?.token !== undefined]).toEqual([action, who === "user"]);
    }
  });

  it("fails with the problem that the server describes", async () => {
    const { wire, souk } = await signedIn();
    const errors = [{ field: "price", message: "must be >= 1" }];
    wire.instead = () => [
      400,
      { status: 400, code: "BAD_DATA", detail: "Not valid", requestId: "r1", errors },
    ];

    const error = await souk.offer({ title: "Lamp", price: 0 }).catch((error: unknown) => error);

    expect(error).toBeInstanceOf(SoukError);
    expect(error).toMatchObject({
      code: "BAD_DATA",
      status: 400,
      detail: "Not valid",
      message: "Not valid",
      requestId: "r1",
      errors,
    });
  });

  it.each([
    ["a proxy's error page", [502, "<html>Bad gateway</html>"], "UNAVAILABLE", 502],
    ["a proxy's 504", [504, ""], "TIMEOUT", 504],
    ["a sign-in page of the network", [200, "<html>Welcome to the hotel</html>"], "UNAVAILABLE", 0],
    ["an empty 500", [500, ""], "INTERNAL", 500],
    ["a 418", [418, ""], "BAD_DATA", 418],
  ] as const)("fails with a code also for %s", async (_, [status, body], code, shown) => {
    const { wire, souk } = await signedIn();
    wire.instead = () => [status, body];

    const error = await souk.offer({ title: "Lamp", price: 1 }).catch((error: unknown) => error);

    expect(error).toMatchObject({ name: "SoukError", code, status: shown });
  });

  it("that needs somebody signed in is refused without asking when nobody is", async () => {
    const wire = new Wire();
    const souk = createSouk({ url: "", fetch: wire.fetch });

    expect(await codeOf(souk.buy("i1"))).toBe("UNAUTHENTICATED");
    expect(wire.asked).toEqual([]);
    expect(souk.session.get()).toEqual({ user: null, status: "signedOut" });
  });

  it("does not wait for ever for an answer", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const realTimeout = AbortSignal.timeout.bind(AbortSignal);
    const patience = jest
      .spyOn(AbortSignal, "timeout")
      .mockImplementation((ms) => realTimeout(ms / 100));
    const souk = createSouk({ url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });

    expect(await codeOf(souk.signIn(credentials))).toBe("TIMEOUT");

    expect(patience.mock.calls).toEqual([[12_000]]); // the server answers within ten seconds
    patience.mockRestore();
    silent.close();
  });
});

describe("what is safe to repeat", () => {
  const calls = {
    items: (souk: ReturnType<typeof createSouk>) => souk.items(),
    buy: (souk: ReturnType<typeof createSouk>) => souk.buy("i1"),
  };

  it.each([
    ["items", "no answer", networkDown],
    ["buy", "no answer", networkDown],
    ["items", "a 503", () => problem(503, "UNAVAILABLE")],
    ["buy", "a 503", () => problem(503, "UNAVAILABLE")],
    ["buy", "a 504", () => problem(504, "TIMEOUT")],
    ["items", "a short 429", () => problem(429, "TOO_MANY_REQUESTS", { "retry-after": "0" })],
  ] as const)("%s is repeated after %s", async (name, _, fail) => {
    const { wire, souk } = await signedIn();
    wire.instead = () => (wire.asked.length < 3 ? fail() : [200, { ok: true, saleId: "s1" }]);

    expect(await calls[name](souk)).toEqual({ ok: true, saleId: "s1" });
    expect(wire.asked).toHaveLength(3);
  });

  it("is given up after four attempts", async () => {
    const { wire, souk } = await signedIn();
    wire.instead = () => problem(503, "UNAVAILABLE");

    expect(await codeOf(souk.buy("i1"))).toBe("UNAVAILABLE");
    expect(wire.asked).toHaveLength(4);
  });

  it("is not repeated before the server wants it, nor at the same moment by all", async () => {
    const { wire, souk } = await signedIn();
    wire.instead = ({ path }) =>
      wire.to(path).length > 1 ? [200, {}] : problem(503, "UNAVAILABLE", { "retry-after": "1" });

    await Promise.all(Array.from({ length: 8 }, (_, n) => souk.item(`i${n}`)));

    const waits = Array.from({ length: 8 }, (_, n) => wire.to(`/market/items/i${n}`)).map(
      ([first, second]) => second!.at - first!.at,
    );
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(990);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(30);
  });

  it.each([
    [
      "it is told to stay away for long",
      () => problem(429, "TOO_MANY_REQUESTS", { "retry-after": "60" }),
      "TOO_MANY_REQUESTS",
    ],
    [
      "it is told so by a date",
      () =>
        problem(503, "UNAVAILABLE", { "retry-after": new Date(Date.now() + 60_000).toUTCString() }),
      "UNAVAILABLE",
    ],
    ["the answer would be the same", () => problem(404, "ITEM_SOLD"), "ITEM_SOLD"],
    ["the fault is the server's", () => problem(500, "INTERNAL"), "INTERNAL"],
  ] as const)("is asked once when %s", async (_, fail, code) => {
    const { wire, souk } = await signedIn();
    wire.instead = fail;

    expect(await codeOf(souk.buy("i1"))).toBe(code);
    expect(wire.asked).toHaveLength(1);
  });

  it("is no other write", async () => {
    const { wire, souk } = await signedIn();
    for (const fail of [
      networkDown,
      () => problem(503, "UNAVAILABLE"),
      () => problem(504, "TIMEOUT"),
    ]) {
      wire.asked.length = 0;
      wire.instead = fail;
      const writes = [
        souk.offer({ title: "Lamp", price: 1 }),
        souk.revise("i1", { price: 2 }),
        souk.withdraw("i1"),
        souk.read({ all: true }),
        souk.signIn(credentials),
        souk.register({ ...credentials, name: "Selma" }),
        souk.changePassword({ password: "a", newPassword: "b" }),
      ];
      for (const write of writes) expect(await codeOf(write)).toMatch(/UNAVAILABLE|TIMEOUT/);
      expect(wire.asked).toHaveLength(writes.length);
    }
  });
});

describe("health and config", () => {
  it("say how the market is also when it is not well", async () => {
    const { wire, souk } = await signedIn();
    const health = { status: "not ready", services: { api: "up", market: "away" } };
    wire.instead = () => [503, health];

    expect(await souk.health()).toEqual(health);
  });

  it("is read once, and again only when it could not be read", async () => {
    const { wire, souk } = await signedIn();
    wire.instead = () => problem(404, "NOT_FOUND");
    expect(await codeOf(souk.config())).toBe("NOT_FOUND");
    wire.instead = () => [200, { socketUrl: null, socketPort: 3001, currency: "EUR" }];

    await Promise.all([souk.config(), souk.config()]);

    expect(await souk.config()).toEqual({ socketUrl: null, socketPort: 3001, currency: "EUR" });
    expect(wire.to("/config.json")).toHaveLength(2);
  });
});
