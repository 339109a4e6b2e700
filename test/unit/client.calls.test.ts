import { jest } from "@jest/globals";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createSouk, SoukError, type Souk } from "../../client/index.ts";
import type { RoutedAction } from "../../client/request.ts";
import { routes } from "../../contracts/routes.ts";
import { networkDown, problem, RecordingFetch, type Answer } from "../support/recording-fetch.ts";

const session = (n = 1, expiresIn = 900) => ({
  user: {
    id: "u1",
    name: "Selma",
    email: "selma@souk.test",
    createdAt: "2026-01-01T00:00:00.000Z",
    isVerified: false,
  },
  accessToken: `access-${n}`,
  refreshToken: `refresh-${n}`,
  expiresIn,
});
const credentials = { email: "selma@souk.test", password: "correct horse" };

async function signedIn() {
  const recorder = new RecordingFetch();
  const souk = createSouk({ url: "http://fake.test/", fetch: recorder.fetch });
  recorder.instead = () => [200, session()];
  await souk.signIn(credentials);
  recorder.asked.length = 0;
  return { recorder, souk };
}
const emptyPage = { items: [], sales: [], notifications: [], unread: 0, nextCursor: null };
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (error instanceof SoukError ? error.code : error),
  );

describe("a call of the client", () => {
  it("sends each param in the path, query or body, as its route says", async () => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () => [200, emptyPage];
    await souk.items({ search: "tea & lämp", sold: false, limit: 5, cursor: undefined });
    await souk.item("a/../b?c");
    await souk.buy("i1");
    await souk.buy("i1", { price: 5 });
    await souk.revise("i1", { title: "Lamp" });
    await souk.withdraw("i1");
    await souk.read({ all: true });

    expect(recorder.asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["GET", "/market/items?search=tea%20%26%20l%C3%A4mp&sold=false&limit=5", undefined],
      ["GET", "/market/items/a%2F..%2Fb%3Fc", undefined],
      ["POST", "/market/buy/i1", undefined],
      ["POST", "/market/buy/i1", { price: 5 }],
      ["PATCH", "/market/items/i1", { title: "Lamp" }],
      ["DELETE", "/market/items/i1", undefined],
      ["POST", "/notifications/read", { all: true }],
    ]);
  });

  it("sends the access token only to routes that need a user", async () => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () => [200, { ...session(), ...emptyPage }];
    const calls = {
      "users.register": () => souk.register({ ...credentials, name: "Selma" }),
      "users.login": () => souk.signIn(credentials),
      "users.me": () => souk.me(),
      "users.requestVerification": () => souk.requestVerification({ language: "de" }),
      "users.verify": () => souk.verify("token"),
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
      "notifications.preferences": () => souk.channels.preferences(),
      "notifications.setPreferences": () => souk.channels.change({ push: false }),
      "notifications.subscribe": () =>
        souk.channels.addDevice({ endpoint: "e", keys: { p256dh: "p", auth: "a" } }),
      "notifications.unsubscribe": () => souk.channels.removeDevice("d1"),
      "notifications.webhooks": () => souk.channels.webhooks(),
      "notifications.addWebhook": () => souk.channels.addWebhook({ url: "https://a.example" }),
      "notifications.changeWebhook": () => souk.channels.enableWebhook("w1", false),
      "notifications.removeWebhook": () => souk.channels.removeWebhook("w1"),
      "notifications.rotateWebhook": () => souk.channels.rotateSecret("w1"),
      "notifications.testChannel": () => souk.channels.test({ channel: "push" }),
      "notifications.stopMail": () => souk.channels.stopMail("t1"),
      "deliveries.list": () => souk.channels.deliveries("w1"),
      "deliveries.replayOne": () => souk.channels.replay("w1", "n1"),
      "users.logout": () => souk.signOut(),
    } satisfies Record<Exclude<RoutedAction, "users.refresh">, () => Promise<unknown>>;
    const signOutLast = routes.toSorted(
      (a, b) => Number(a.action === "users.logout") - Number(b.action === "users.logout"),
    );
    for (const { action, who } of signOutLast) {
      if (action === "users.refresh") continue; // The client calls it by itself.
      await calls[action]();
      expect([action, recorder.asked.at(-1)?.token !== undefined]).toEqual([
        action,
        who === "user",
      ]);
    }
  });

  it("me shows the user of the session as they are now", async () => {
    const { recorder, souk } = await signedIn();
    const user = { ...session().user, isVerified: true };
    recorder.instead = () => [200, user];

    expect(await souk.me()).toEqual(user);

    expect(souk.session.get()).toEqual({ user, status: "signedIn" });
  });

  it("fails with the problem in the server's answer", async () => {
    const { recorder, souk } = await signedIn();
    const errors = [{ field: "price", message: "must be >= 1" }];
    recorder.instead = () => [
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
    ["a captive portal", [200, "<html>Welcome to the hotel</html>"], "UNAVAILABLE", 0],
    ["an empty 500", [500, ""], "INTERNAL", 500],
    ["a 418", [418, ""], "BAD_DATA", 418],
  ] as const)("fails with a code for %s", async (_, [status, body], code, shown) => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () => [status, body];

    const error = await souk.revise("i1", { price: 1 }).catch((error: unknown) => error);

    expect(error).toMatchObject({ name: "SoukError", code, status: shown });
  });

  it("that needs a user fails without a request when no user is signed in", async () => {
    const recorder = new RecordingFetch();
    const souk = createSouk({ url: "", fetch: recorder.fetch });

    expect(await codeOf(souk.buy("i1"))).toBe("UNAUTHENTICATED");
    expect(recorder.asked).toEqual([]);
    expect(souk.session.get()).toEqual({ user: null, status: "signedOut" });
  });

  it("times out", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const realTimeout = AbortSignal.timeout.bind(AbortSignal);
    const timeoutSpy = jest
      .spyOn(AbortSignal, "timeout")
      .mockImplementation((ms) => realTimeout(ms / 100));
    const souk = createSouk({ url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });

    expect(await codeOf(souk.signIn(credentials))).toBe("TIMEOUT");

    expect(timeoutSpy.mock.calls).toEqual([[12_000]]); // the server answers within ten seconds
    timeoutSpy.mockRestore();
    silent.close();
  });
});

describe("a call that is safe to repeat", () => {
  const calls = {
    me: (souk: Souk) => souk.me(),
    buy: (souk: Souk) => souk.buy("i1"),
    offer: (souk: Souk) => souk.offer({ title: "Lamp", price: 1 }),
    register: (souk: Souk) => souk.register({ ...credentials, name: "Selma" }),
    withdraw: (souk: Souk) => souk.withdraw("i1"),
    "read by ids": (souk: Souk) => souk.read({ ids: ["n1"] }),
    "read until": (souk: Souk) => souk.read({ all: true, until: "n1" }),
  };

  it.each([
    ["me", "no answer", networkDown],
    ["buy", "no answer", networkDown],
    ["offer", "no answer", networkDown],
    ["register", "no answer", networkDown],
    ["withdraw", "no answer", networkDown],
    ["read by ids", "no answer", networkDown],
    ["read until", "no answer", networkDown],
    ["me", "a 503", () => problem(503, "UNAVAILABLE")],
    ["buy", "a 503", () => problem(503, "UNAVAILABLE")],
    ["buy", "a 504", () => problem(504, "TIMEOUT")],
    ["offer", "a proxy's 502", () => [502, "<html>Bad gateway</html>"]],
    ["offer", "a 503", () => problem(503, "UNAVAILABLE")],
    ["offer", "a 504", () => problem(504, "TIMEOUT")],
    ["me", "a short 429", () => problem(429, "TOO_MANY_REQUESTS", { "retry-after": "0" })],
  ] as [keyof typeof calls, string, () => Answer][])(
    "%s: is repeated after %s, with the same request",
    async (name, _, fail) => {
      const { recorder, souk } = await signedIn();
      recorder.instead = () => (recorder.asked.length < 3 ? fail() : [200, session()]);

      await calls[name](souk);

      expect(recorder.asked).toHaveLength(3);
      const requests = recorder.asked.map(({ at: _at, ...request }) => JSON.stringify(request));
      expect(new Set(requests).size).toBe(1);
      const isCreating = name === "offer" || name === "register";
      expect(recorder.asked[0]!.key?.length ?? 0).toBeGreaterThanOrEqual(isCreating ? 16 : 0);
    },
  );

  it.each([
    ["a lost answer", 1, "ok"],
    ["no failure", 0, "ITEM_NOT_FOUND"],
  ])("withdraw: after %s, an item that is not found is %s", async (_, losses, outcome) => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () =>
      recorder.asked.length <= losses ? networkDown() : problem(404, "ITEM_NOT_FOUND");

    expect(await codeOf(souk.withdraw("i1"))).toBe(outcome);
  });

  it.each([
    ["buy", 12_500, 2],
    ["offer", 12_500, 2],
    ["me", 12_500, 1],
  ] as const)("%s: after answers that take %i ms is sent %i times", async (name, ms, times) => {
    const { recorder, souk } = await signedIn();
    let now = performance.now();
    const clock = jest.spyOn(performance, "now").mockImplementation(() => now);
    recorder.instead = () => {
      now += ms;
      throw new DOMException("The operation timed out.", "TimeoutError");
    };

    expect(await codeOf(calls[name](souk))).toBe("TIMEOUT");

    clock.mockRestore();
    expect(recorder.asked).toHaveLength(times);
  });

  it("fails after four attempts", async () => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () => problem(503, "UNAVAILABLE");

    expect(await codeOf(souk.buy("i1"))).toBe("UNAVAILABLE");
    expect(recorder.asked).toHaveLength(4);
  });

  it("is repeated after Retry-After, with jitter", async () => {
    const { recorder, souk } = await signedIn();
    recorder.instead = ({ path }) =>
      recorder.to(path).length > 1
        ? [200, {}]
        : problem(503, "UNAVAILABLE", { "retry-after": "1" });

    await Promise.all(Array.from({ length: 8 }, (_, n) => souk.profile(`u${n}`)));

    const waits = Array.from({ length: 8 }, (_, n) => recorder.to(`/users/u${n}`)).map(
      ([first, second]) => second!.at - first!.at,
    );
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(990);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(30);
  });

  it.each([
    [
      "Retry-After is a minute",
      () => problem(429, "TOO_MANY_REQUESTS", { "retry-after": "60" }),
      "TOO_MANY_REQUESTS",
    ],
    [
      "Retry-After is a date in a minute",
      () =>
        problem(503, "UNAVAILABLE", { "retry-after": new Date(Date.now() + 60_000).toUTCString() }),
      "UNAVAILABLE",
    ],
    ["the failure is permanent", () => problem(404, "ITEM_SOLD"), "ITEM_SOLD"],
    ["the server has an internal error", () => problem(500, "INTERNAL"), "INTERNAL"],
  ] as const)("is sent once when %s", async (_, fail, code) => {
    const { recorder, souk } = await signedIn();
    recorder.instead = fail;

    expect(await codeOf(souk.buy("i1"))).toBe(code);
    expect(recorder.asked).toHaveLength(1);
  });

  it("is no sign-in, revision or change of password, and no read of all notices at that time", async () => {
    const { recorder, souk } = await signedIn();
    for (const fail of [
      networkDown,
      () => problem(503, "UNAVAILABLE"),
      () => problem(504, "TIMEOUT"),
    ]) {
      recorder.asked.length = 0;
      recorder.instead = fail;
      const writes = [
        souk.revise("i1", { price: 2 }),
        souk.read({ all: true }),
        souk.signIn(credentials),
        souk.changePassword({ password: "a", newPassword: "b" }),
      ];
      for (const write of writes) expect(await codeOf(write)).toMatch(/UNAVAILABLE|TIMEOUT/);
      expect(recorder.asked).toHaveLength(writes.length);
    }
  });
});

describe("health and config", () => {
  it("returns the health of a market that is not ready", async () => {
    const { recorder, souk } = await signedIn();
    const health = { status: "not ready", services: { api: "up", market: "unreachable" } };
    recorder.instead = () => [503, health];

    expect(await souk.health()).toEqual(health);
  });

  it("reads the configuration once, and again only after a failure", async () => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () => problem(404, "NOT_FOUND");
    expect(await codeOf(souk.config())).toBe("NOT_FOUND");
    recorder.instead = () => [200, { socketUrl: null, socketPort: 3001, currency: "EUR" }];

    await Promise.all([souk.config(), souk.config()]);

    expect(await souk.config()).toEqual({ socketUrl: null, socketPort: 3001, currency: "EUR" });
    expect(recorder.to("/config.json")).toHaveLength(2);
  });
});
