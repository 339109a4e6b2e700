/** What every call of the client takes and gives: signals, idempotency keys, lists for `for await`, and absolute pictures. */
import {
  createSouk,
  SoukError,
  type CallOptions,
  type Souk,
  type Tokens,
} from "../../client/index.ts";
import type { Fetch } from "../../client/request.ts";
import { networkDown, problem, RecordingFetch } from "../support/recording-fetch.ts";

const user = { id: "u1", name: "Selma", email: "selma@souk.test", createdAt: "" };
const session = { user, accessToken: "access", refreshToken: "refresh", expiresIn: 900 };
const credentials = { email: user.email, password: "correct horse" };

async function signedIn(url = "http://fake.test") {
  const recorder = new RecordingFetch();
  const souk = createSouk({ url, fetch: recorder.fetch });
  recorder.instead = () => [200, session];
  await souk.signIn(credentials);
  recorder.asked.length = 0;
  return { recorder, souk };
}

const calls: Record<string, (souk: Souk, options: CallOptions) => Promise<unknown>> = {
  resume: (souk, options) => souk.resume(options),
  signIn: (souk, options) => souk.signIn(credentials, options),
  register: (souk, options) => souk.register({ ...credentials, name: "Selma" }, options),
  changePassword: (souk, options) =>
    souk.changePassword({ password: "a", newPassword: "b" }, options),
  me: (souk, options) => souk.me(options),
  profile: (souk, options) => souk.profile("u2", options),
  items: (souk, options) => souk.items({ search: "lamp" }, options),
  "items.all": (souk, options) => souk.items.all({ search: "lamp" }, options).next(),
  item: (souk, options) => souk.item("i1", options),
  offer: (souk, options) => souk.offer({ title: "Lamp", price: 1 }, options),
  revise: (souk, options) => souk.revise("i1", { price: 2 }, options),
  withdraw: (souk, options) => souk.withdraw("i1", options),
  buy: (souk, options) => souk.buy("i1", { price: 1, ...options }),
  purchases: (souk, options) => souk.purchases({}, options),
  sales: (souk, options) => souk.sales({}, options),
  notifications: (souk, options) => souk.notifications({ unread: true }, options),
  read: (souk, options) => souk.read({ ids: ["n1"] }, options),
  health: (souk, options) => souk.health(options),
  config: (souk, options) => souk.config(options),
  signOut: (souk, options) => souk.signOut(options),
};

/** A server that never answers. It ignores signals, as the stand-in of a framework may. */
const silent: Fetch = () => new Promise(() => {});
/** The tokens of a session from an earlier visit. */
const stored = (): Tokens => {
  let token: string | null = "refresh";
  return { get: () => token, set: (next) => void (token = next) };
};
const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;

describe("an aborted call", () => {
  it.each(Object.keys(calls))("%s: rejects with the signal's reason at once", async (name) => {
    const { souk } = await signedIn();
    // A renewal keeps its lock as long as its request, so each case has a lock of its own.
    const stuck = createSouk({ url: `http://${name}.test`, fetch: silent, tokens: stored() });
    const { signal, abort } = controller();
    const call = calls[name]!(stuck, { signal });
    await Promise.resolve();
    abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });

    const aborted = AbortSignal.abort(new Error("The view is closed."));
    await expect(calls[name]!(souk, { signal: aborted })).rejects.toBe(aborted.reason);
  });

  it.each(Object.keys(calls))("%s: sends nothing when it was aborted before", async (name) => {
    const { recorder, souk } = await signedIn();

    await calls[name]!(souk, { signal: AbortSignal.abort() }).catch(() => {});

    expect(recorder.asked).toEqual([]);
    expect(souk.session.get().status).toBe("signedIn");
  });

  it("cancels the request", async () => {
    let sent: AbortSignal | undefined;
    const fetch: Fetch = (_, { signal }) => ((sent = signal), silent("", {} as never));
    const souk = createSouk({ url: "", fetch });
    const { signal, abort } = controller();
    const call = souk.items({}, { signal });
    abort();

    await expect(call).rejects.toBe(signal.reason);
    expect(sent!.aborted).toBe(true);
  });

  it("is not repeated, and leaves no timer", async () => {
    const { recorder, souk } = await signedIn();
    const { signal, abort } = controller();
    const before = timers();
    recorder.instead = () => problem(503, "UNAVAILABLE", { "retry-after": "5" });
    const call = souk.buy("i1", { signal });
    while (timers() === before) await new Promise((resolve) => setImmediate(resolve));
    abort();

    await expect(call).rejects.toBe(signal.reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(timers()).toBe(before);
    expect(recorder.asked).toHaveLength(1);
  });

  it("that waits for the same session or configuration as others does not fail theirs", async () => {
    const recorder = new RecordingFetch();
    const souk = createSouk({ url: "http://fake.test", fetch: recorder.fetch, tokens: stored() });
    let answer = () => {};
    const isAnswered = new Promise<void>((resolve) => (answer = resolve));
    recorder.instead = async () => (await isAnswered, [200, { ...session, currency: "EUR" }]);
    const { signal, abort } = controller();
    const [mine, theirs] = [souk.resume({ signal }), souk.resume()];
    const [myConfig, theirConfig] = [souk.config({ signal }), souk.config()];
    abort();
    answer();

    for (const call of [mine, myConfig]) await expect(call).rejects.toBe(signal.reason);
    expect(await theirs).toEqual(user);
    expect(await theirConfig).toMatchObject({ currency: "EUR" });
  });

  it("signs nobody in when the answer arrives later", async () => {
    const recorder = new RecordingFetch();
    const souk = createSouk({ url: "http://fake.test", fetch: recorder.fetch });
    const { signal, abort } = controller();
    recorder.instead = () => (abort(), [200, session]);

    await expect(souk.signIn(credentials, { signal })).rejects.toBe(signal.reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(souk.session.get()).toEqual({ user: null, status: "unknown" });
  });
});

function controller() {
  const one = new AbortController();
  return { signal: one.signal, abort: () => one.abort() };
}

describe("a creating call", () => {
  const offer = { title: "Lamp", price: 1 };

  it("has a key of its own", async () => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () => [201, { imageUrl: null }];
    await souk.offer(offer);
    await souk.offer(offer);
    await souk.revise("i1", { price: 2 });

    const keys = recorder.asked.map(({ key }) => key);
    expect(keys[0]).toMatch(/^[\d-]{16,64}$/);
    expect(keys[1]).not.toBe(keys[0]);
    expect(keys[2]).toBeUndefined();
  });

  it.each([
    ["draft-1", "draft-1"],
    ["schön 1", "sch%C3%B6n%201"],
    ["\n\ud83d", "%0A%EF%BF%BD"],
  ])("sends the caller's key %j as %s with every attempt", async (idempotencyKey, sent) => {
    const { recorder, souk } = await signedIn();
    recorder.instead = () =>
      recorder.asked.length < 2 ? networkDown() : [201, { imageUrl: null }];

    await souk.offer({ ...offer, idempotencyKey });

    expect(recorder.asked.map(({ key, body }) => [key, body])).toEqual([
      [sent, offer],
      [sent, offer],
    ]);
  });
});

describe("a list for `for await`", () => {
  const item = (id: string) => ({ id, imageUrl: null });
  /** Pages by cursor. */
  const pages: Record<string, [ids: string[], nextCursor: string | null]> = {
    first: [["a", "b"], "c2"],
    c2: [[], "c3"],
    c3: [["b", "c"], "c4"],
    c4: [["d"], null],
  };
  async function market() {
    const { recorder, souk } = await signedIn();
    recorder.instead = ({ path }) => {
      const cursor = new URL(path, "http://x").searchParams.get("cursor") ?? "first";
      const [ids, nextCursor] = pages[cursor]!;
      const rows = ids.map(item);
      return [200, { items: rows, sales: rows, notifications: rows, unread: 0, nextCursor }];
    };
    return { recorder, souk };
  }
  const lists = {
    items: (souk: Souk) => souk.items.all({ search: "lamp" }),
    purchases: (souk: Souk) => souk.purchases.all(),
    sales: (souk: Souk) => souk.sales.all(),
    notifications: (souk: Souk) => souk.notifications.all({ unread: true }),
  };

  it.each(Object.entries(lists))(
    "%s: has each entry once, across short and empty pages",
    async (_, list) => {
      const { souk } = await market();

      const ids: string[] = [];
      for await (const { id } of list(souk)) ids.push(id);

      expect(ids).toEqual(["a", "b", "c", "d"]);
    },
  );

  it("reads a page when it is needed, with the query, from its cursor on", async () => {
    const { recorder, souk } = await market();
    const found: string[] = [];
    for await (const { id } of souk.items.all({ search: "lamp", cursor: "c3" })) {
      found.push(id);
      if (id === "b") expect(recorder.asked).toHaveLength(1);
      if (id === "d") break;
    }
    for await (const { id } of souk.items.all({ search: "tea" })) if (id === "b") break;

    expect(found).toEqual(["b", "c", "d"]);
    expect(recorder.asked.map(({ path }) => path)).toEqual([
      "/market/items?search=lamp&cursor=c3",
      "/market/items?search=lamp&cursor=c4",
      "/market/items?search=tea",
    ]);
  });

  it.each([["a"], ["b"], ["d"]])("ends with the signal's reason after %s", async (last) => {
    const { recorder, souk } = await market();
    const { signal, abort } = controller();
    const found: string[] = [];
    const reading = (async () => {
      for await (const { id } of souk.items.all({}, { signal })) {
        found.push(id);
        if (id === last) abort();
      }
    })();

    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    expect(found.at(-1)).toBe(last);
    expect(recorder.asked).toHaveLength(last === "d" ? 4 : 1);
  });

  it("throws the error of a page that cannot be read", async () => {
    const { recorder, souk } = await market();
    const answer = recorder.instead;
    recorder.instead = (asked) =>
      asked.path.includes("c3") ? problem(400, "BAD_DATA") : answer(asked);
    const found: string[] = [];

    const reading = (async () => {
      for await (const { id } of souk.sales.all()) found.push(id);
    })();

    await expect(reading).rejects.toThrow(SoukError);
    expect(found).toEqual(["a", "b"]);
  });

  it("does not continue as another user", async () => {
    const { recorder, souk } = await market();
    const list = souk.sales.all();
    await list.next();
    await list.next();
    const answer = recorder.instead;
    recorder.instead = () => [200, { ...session, user: { ...user, id: "u2" } }];
    await souk.signIn(credentials);
    recorder.instead = answer;

    await expect(list.next()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("a picture", () => {
  it.each([
    ["http://fake.test", "/assets/a.jpg", "http://fake.test/assets/a.jpg"],
    ["http://fake.test/", "/assets/a.jpg", "http://fake.test/assets/a.jpg"],
    ["https://fake.test/souk/", "/assets/a.jpg", "https://fake.test/souk/assets/a.jpg"],
    ["/souk", "/assets/a.jpg", "/souk/assets/a.jpg"],
    ["", "/assets/a.jpg", "/assets/a.jpg"],
    ["http://fake.test", "https://cdn.test/a.jpg", "https://cdn.test/a.jpg"],
    ["http://fake.test", null, null],
  ])("of a market at %j: %j is %j", async (url, imageUrl, shown) => {
    const { recorder, souk } = await signedIn(url);
    const item = { id: "i1", imageUrl };
    recorder.instead = ({ method, path }) => [
      200,
      method === "GET" && !path.endsWith("i1") ? { items: [item], nextCursor: null } : item,
    ];
    const items = [
      (await souk.items()).items[0]!,
      (await souk.items.all().next()).value!,
      await souk.item("i1"),
      await souk.offer({ title: "Lamp", price: 1 }),
      await souk.revise("i1", { price: 2 }),
    ];
    expect(items.map((one) => one.imageUrl)).toEqual(items.map(() => shown));
  });
});

it.each([
  ["lamp \ud83d", "lamp%20%EF%BF%BD"],
  ["\udc00x", "%EF%BF%BDx"],
  ["🏮", "%F0%9F%8F%AE"],
])("encodes the text %j as %s, in a query and in a path", async (text, encoded) => {
  const { recorder, souk } = await signedIn();
  recorder.instead = () => [200, { items: [], nextCursor: null }];
  await souk.items({ search: text });
  await souk.item(text);

  expect(recorder.asked.map(({ path }) => path)).toEqual([
    `/market/items?search=${encoded}`,
    `/market/items/${encoded}`,
  ]);
});
