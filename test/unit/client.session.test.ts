import { createSouk, storedTokens, type Tokens } from "../../client/index.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { networkDown, problem, RecordingFetch } from "../support/recording-fetch.ts";

const credentials = { email: "selma@souk.test", password: "correct horse" };

/** In the server's format: user, session, and two secrets. */
const tokenOf = (n: number) => `Selma.s1.family.${n}`;

/** A fake server. As on the real one, a second refresh with the same token ends the session, unless it has the same idempotency key. */
class Users extends RecordingFetch {
  /** The lifetime of an access token in seconds. */
  life = 900;
  /** The delay of an answer in ms. */
  slowness = 0;
  good = "";
  /** The access tokens that the server accepts. */
  readonly accepted = new Set<string>();
  user = "Selma";
  #made = 0;
  #refresh = "";
  #renewed: [number, object] = [204, {}];

  override instead: RecordingFetch["instead"] = async ({ path, token, body }) => {
    await new Promise((resolve) => setTimeout(resolve, this.slowness));
    if (path === "/users/login") return this.pair();
    if (path === "/users/refresh") {
      const { refreshToken, idempotencyKey } = body as {
        refreshToken: string;
        idempotencyKey?: string;
      };
      const refresh = `${refreshToken} ${idempotencyKey}`;
      if (idempotencyKey && refresh === this.#refresh) return this.#renewed;
      if (refreshToken === this.good) {
        this.#refresh = refresh;
        return (this.#renewed = this.pair());
      }
      this.revoke();
      return problem(401, "UNAUTHENTICATED");
    }
    if (path === "/users/logout") {
      this.revoke();
      return [204];
    }
    if (token !== undefined && !this.accepted.has(token)) return problem(401, "UNAUTHENTICATED");
    return [200, { ok: true, saleId: "s1", as: this.user }];
  };

  pair(): [number, object] {
    const n = ++this.#made;
    const user = {
      id: this.user,
      name: this.user,
      email: "x@souk.test",
      createdAt: "2026-01-01T00:00:00.000Z",
    };
    this.good = tokenOf(n);
    this.accepted.add(`access-${n}`);
    return [
      200,
      { user, accessToken: `access-${n}`, refreshToken: this.good, expiresIn: this.life },
    ];
  }

  revoke(): void {
    this.good = this.#refresh = "gone";
    this.accepted.clear();
  }

  get refreshed() {
    return this.to("/users/refresh").map(({ body }) => body!.refreshToken);
  }
}

/** A token storage that tabs share. */
function shared(): Tokens {
  let kept: string | null = null;
  return { get: () => kept, set: (token) => void (kept = token) };
}
const tab = (users: Users, tokens?: Tokens) =>
  createSouk({ url: "http://fake.test", fetch: users.fetch, ...(tokens && { tokens }) });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: { code: string }) => error.code,
  );

describe("an access token", () => {
  it("is renewed once for all waiting calls when the server refuses it", async () => {
    const users = new Users();
    const souk = tab(users);
    await souk.signIn(credentials);
    users.accepted.clear();
    users.slowness = 20;

    await Promise.all(Array.from({ length: 20 }, () => souk.sales()));

    expect(users.refreshed).toEqual([tokenOf(1)]);
  });

  it("is renewed before it expires, without delaying a call", async () => {
    const users = new Users();
    users.life = 2;
    const souk = tab(users);
    await souk.signIn(credentials);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // The test is about the token's lifetime.

    const { instead } = users;
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    users.instead = async (asked) => {
      if (asked.path === "/users/refresh") await held;
      return instead(asked);
    };
    await souk.sales();

    expect(users.refreshed).toEqual([tokenOf(1)]);
    expect(users.to("/market/sales").map(({ token }) => token)).toEqual(["access-1"]);
    release();
    await eventually(async () => {
      await souk.sales();
      expect(users.asked.at(-1)!.token).toBe("access-2");
    });
  });

  it("is renewed before the call when it has expired", async () => {
    const users = new Users();
    users.life = 0.01;
    const souk = tab(users);
    await souk.signIn(credentials);
    await new Promise((resolve) => setTimeout(resolve, 20));
    users.life = 900;

    await souk.buy("i1");

    expect(users.to("/market/buy/i1").map(({ token }) => token)).toEqual(["access-2"]);
  });

  it("is used until it expires while the users service is unavailable", async () => {
    const users = new Users();
    users.life = 2;
    const souk = tab(users);
    await souk.signIn(credentials);
    const { instead } = users;
    users.instead = (asked) =>
      asked.path === "/users/refresh" ? problem(503, "UNAVAILABLE") : instead(asked);
    await new Promise((resolve) => setTimeout(resolve, 1_500));

    expect(await codeOf(souk.sales())).toBe("ok");
    expect(users.refreshed).toHaveLength(1);
    expect(souk.session.get().status).toBe("signedIn");
  });

  it("is renewed only once for a call that is refused again", async () => {
    const users = new Users();
    const souk = tab(users);
    await souk.signIn(credentials);
    const { instead } = users;
    users.instead = (asked) =>
      asked.path === "/market/sales" ? problem(401, "UNAUTHENTICATED") : instead(asked);

    expect(await codeOf(souk.sales())).toBe("UNAUTHENTICATED");
    expect(users.refreshed).toHaveLength(1);
  });
});

describe("a session", () => {
  it("resumes from the stored token", async () => {
    const users = new Users();
    const tokens = shared();
    await tab(users, tokens).signIn(credentials);

    const souk = tab(users, tokens);
    expect(souk.session.get()).toEqual({ user: null, status: "unknown" });
    expect(await souk.resume()).toMatchObject({ name: "Selma" });

    expect(souk.session.get()).toMatchObject({ user: { name: "Selma" }, status: "signedIn" });
    await souk.resume();
    expect(users.refreshed).toHaveLength(1);
  });

  it("is signed out without a stored token, without an error", async () => {
    const souk = tab(new Users());

    expect(await souk.resume()).toBeNull();
    expect(souk.session.get()).toEqual({ user: null, status: "signedOut" });
  });

  it.each([
    ["no answer arrives", networkDown, "UNAVAILABLE"],
    ["the users service is unavailable", () => problem(503, "UNAVAILABLE"), "UNAVAILABLE"],
    [
      "the rate limit is exceeded",
      () => problem(429, "TOO_MANY_REQUESTS", { "retry-after": "9" }),
      "TOO_MANY_REQUESTS",
    ],
  ] as const)("is kept when %s, and resumes later", async (_, fail, code) => {
    const users = new Users();
    const tokens = shared();
    await tab(users, tokens).signIn(credentials);
    const { instead } = users;
    users.instead = fail;
    const souk = tab(users, tokens);

    expect(await codeOf(souk.resume())).toBe(code);
    expect([souk.session.get().status, tokens.get()]).toEqual([
      "unknown",
      expect.stringMatching(/^Selma\.s1\.family\.1~[\w-]{16,64}$/),
    ]);

    users.instead = instead;
    await souk.resume();
    expect(souk.session.get().status).toBe("signedIn");
  });

  it("survives lost answers and closed pages: the next page repeats the same refresh", async () => {
    const users = new Users();
    const tokens = shared();
    await tab(users, tokens).signIn(credentials);
    const { instead } = users;
    users.instead = async (asked) => (await instead(asked), networkDown());
    for (let n = 0; n < 2; n++)
      expect(await codeOf(tab(users, tokens).resume())).toBe("UNAVAILABLE");
    users.instead = instead;

    const souk = tab(users, tokens);
    expect(await souk.resume()).toMatchObject({ name: "Selma" });
    expect(await codeOf(souk.sales())).toBe("ok");

    const sent = users.to("/users/refresh").map(({ body }) => body);
    expect(sent).toEqual([sent[0], sent[0], sent[0]]);
    expect(tokens.get()).toBe(tokenOf(2));
  });

  it("uses a new idempotency key for every refresh", async () => {
    const users = new Users();
    const souk = tab(users);
    await souk.signIn(credentials);
    for (let n = 0; n < 3; n++) {
      users.accepted.clear();
      await souk.sales();
    }

    expect(users.refreshed).toEqual([tokenOf(1), tokenOf(2), tokenOf(3)]);
    expect(new Set(users.to("/users/refresh").map(({ body }) => body!.idempotencyKey)).size).toBe(
      3,
    );
  });

  it("ends on the server when its user signs out after an unanswered refresh", async () => {
    const users = new Users();
    const tokens = shared();
    await tab(users, tokens).signIn(credentials);
    const { instead } = users;
    users.instead = async (asked) => (await instead(asked), networkDown());
    const souk = tab(users, tokens);
    expect(await codeOf(souk.resume())).toBe("UNAVAILABLE");
    users.instead = instead;

    await souk.signOut();

    expect(users.to("/users/logout").map(({ body, token }) => [body!.refreshToken, token])).toEqual(
      [[tokenOf(2), "access-2"]],
    );
    expect([souk.session.get().status, tokens.get()]).toEqual(["signedOut", null]);
  });

  it.each([401, 400])("ends when its refresh token is refused with %i", async (status) => {
    const users = new Users();
    const tokens = shared();
    const souk = tab(users, tokens);
    await souk.signIn(credentials);
    users.accepted.clear();
    const { instead } = users;
    users.instead = (asked) =>
      asked.path === "/users/refresh"
        ? problem(status, status === 401 ? "UNAUTHENTICATED" : "BAD_DATA")
        : instead(asked);

    expect(await codeOf(souk.sales())).toBe("UNAUTHENTICATED");
    expect([souk.session.get(), tokens.get()]).toEqual([{ user: null, status: "signedOut" }, null]);
  });

  it("ends in the client at once when its user signs out, even when the server cannot be reached", async () => {
    const users = new Users();
    const tokens = shared();
    const souk = tab(users, tokens);
    await souk.signIn(credentials);
    users.instead = networkDown;

    const signingOut = souk.signOut();
    expect([souk.session.get().status, tokens.get()]).toEqual(["signedOut", null]);
    await signingOut;

    expect(users.asked.at(-1)).toMatchObject({
      path: "/users/logout",
      token: "access-1",
      body: { refreshToken: tokenOf(1) },
    });
  });

  it("stays ended when its user signs out during a renewal", async () => {
    const users = new Users();
    const tokens = shared();
    const souk = tab(users, tokens);
    await souk.signIn(credentials);
    users.accepted.clear();
    users.slowness = 30;
    const call = codeOf(souk.sales());
    await eventually(() => expect(users.refreshed).toHaveLength(1));

    await souk.signOut();

    expect(await call).toBe("UNAUTHENTICATED");
    expect([souk.session.get().status, tokens.get()]).toEqual(["signedOut", null]);
    await eventually(() =>
      expect(
        users.asked.some(
          ({ path, body }) => path === "/users/logout" && body!.refreshToken === tokenOf(2),
        ),
      ).toBe(true),
    );
  });

  it("stays ended when its user signs out during a change of password", async () => {
    const users = new Users();
    const tokens = shared();
    const souk = tab(users, tokens);
    await souk.signIn(credentials);
    const { instead } = users;
    users.slowness = 30;
    users.instead = async (asked) => {
      if (asked.path !== "/users/password") return instead(asked);
      await eventually(() => expect(tokens.get()).toBeNull());
      return users.pair();
    };
    const change = codeOf(
      souk.changePassword({ password: "correct horse", newPassword: "battery staple" }),
    );
    await eventually(() => expect(users.to("/users/password")).toHaveLength(1));

    await souk.signOut();

    expect(await change).toBe("UNAUTHENTICATED");
    expect([souk.session.get().status, tokens.get()]).toEqual(["signedOut", null]);
    await eventually(() =>
      expect(users.to("/users/logout").map(({ body }) => body!.refreshToken)).toContain(tokenOf(2)),
    );
  });

  it("is replaced when the password changes; calls that are refused until then wait for the new session", async () => {
    const users = new Users();
    const souk = tab(users);
    await souk.signIn(credentials);
    const { instead } = users;
    users.slowness = 30;
    users.instead = (asked) =>
      asked.path === "/users/password"
        ? (users.revoke(), new Promise((done) => setTimeout(() => done(users.pair() as never), 80)))
        : instead(asked);

    const change = souk.changePassword({
      password: "correct horse",
      newPassword: "battery staple",
    });
    await eventually(() => expect(users.good).toBe("gone"));
    const states: string[] = [];
    souk.session.subscribe(({ status }) => states.push(status));
    expect(await codeOf(souk.sales())).toBe("ok");
    await change;

    expect(states).toEqual(["signedIn"]);
    expect(users.refreshed).toEqual([]);
  });

  it("never buys in the name of another user that has signed in", async () => {
    const users = new Users();
    const tokens = shared();
    const souk = tab(users, tokens);
    await souk.signIn(credentials);
    users.user = "Bilal";
    await tab(users, tokens).signIn(credentials);
    users.accepted.delete("access-1");

    expect(await codeOf(souk.buy("i1"))).toBe("UNAUTHENTICATED");

    expect(souk.session.get().user?.name).toBe("Bilal");
    expect(users.to("/market/buy/i1").map(({ token }) => token)).toEqual(["access-1"]);
  });
});

describe("tabs that share a refresh token", () => {
  it("never send the same token twice, even when all renew at once", async () => {
    const users = new Users();
    const tokens = shared();
    const tabs = Array.from({ length: 6 }, () => tab(users, tokens));
    await tabs[0]!.signIn(credentials);
    users.slowness = 10;

    await Promise.all(tabs.map((souk) => souk.resume()));

    expect(new Set(users.refreshed).size).toBe(users.refreshed.length);
    expect(tabs.map((souk) => souk.session.get().status)).toEqual(tabs.map(() => "signedIn"));
  });

  it("share one refresh when there are no locks", async () => {
    const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator")!;
    Object.defineProperty(globalThis, "navigator", { value: undefined, configurable: true });
    try {
      const users = new Users();
      const tokens = shared();
      await tab(users, tokens).signIn(credentials);
      users.slowness = 10;
      const tabs = Array.from({ length: 6 }, () => tab(users, tokens));

      await Promise.all(tabs.map((souk) => souk.resume()));

      expect(users.refreshed).toEqual(tabs.map(() => tokenOf(1)));
      expect(await Promise.all(tabs.map((souk) => codeOf(souk.sales())))).toEqual(
        tabs.map(() => "ok"),
      );
      expect(tokens.get()).toBe(tokenOf(2));
    } finally {
      Object.defineProperty(globalThis, "navigator", navigator);
    }
  });

  describe("without locks, when another tab is faster", () => {
    /** The result of a call whose refresh gets this answer after another tab has renewed the session. */
    async function overtaken(
      answer: (users: Users) => Awaited<ReturnType<RecordingFetch["instead"]>>,
    ) {
      const users = new Users();
      const tokens = shared();
      const souk = tab(users, tokens);
      await souk.signIn(credentials);
      users.accepted.clear();
      const { instead } = users;
      users.instead = (asked) => {
        if (asked.path !== "/users/refresh" || users.refreshed.length > 1) return instead(asked);
        const late = answer(users);
        const [, { refreshToken }] = users.pair() as [number, { refreshToken: string }];
        tokens.set(refreshToken);
        return late;
      };
      return { end: await codeOf(souk.sales()), users };
    }

    it("continue although the answer to the same refresh arrives late", async () => {
      const { end, users } = await overtaken((users) => users.pair());

      expect(end).toBe("ok");
      expect(users.refreshed).toEqual([tokenOf(1), tokenOf(3)]);
      expect(users.to("/users/logout")).toEqual([]);
    });

    it("use the token of that tab instead of ending the session", async () => {
      const { end, users } = await overtaken(() => problem(401, "UNAUTHENTICATED"));

      expect(end).toBe("ok");
      expect(users.refreshed).toEqual([tokenOf(1), tokenOf(2)]);
    });
  });
});

describe("tokens in localStorage", () => {
  const events = new EventTarget();
  const stored = new Map<string, string>();
  let isFull = false;
  const page = globalThis as unknown as Record<string, unknown>;

  beforeEach(() => {
    stored.clear();
    isFull = false;
    page.localStorage = {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem(key: string, value: string) {
        if (isFull) throw new Error("QuotaExceededError");
        stored.set(key, value);
      },
      removeItem: (key: string) => void stored.delete(key),
    };
    page.addEventListener = events.addEventListener.bind(events);
  });
  afterEach(() => {
    delete page.addEventListener;
    Object.defineProperty(page, "localStorage", {
      value: undefined,
      configurable: true,
      writable: true,
    });
  });
  /** The event that a browser sends to other tabs. */
  const changed = (key: string | null = "souk.refreshToken") =>
    events.dispatchEvent(Object.assign(new Event("storage"), { key }));

  it("survive a reload of the page", async () => {
    const users = new Users();
    await tab(users, storedTokens()).signIn(credentials);

    expect(await tab(users, storedTokens()).resume()).toMatchObject({ name: "Selma" });
  });

  it("stay in memory when the storage is disabled", async () => {
    Object.defineProperty(page, "localStorage", {
      configurable: true,
      get() {
        throw new DOMException("The operation is insecure", "SecurityError");
      },
    });
    const disabled = storedTokens();
    expect(disabled.get()).toBeNull();
    disabled.set("a");
    expect(disabled.get()).toBe("a");

    Object.defineProperty(page, "localStorage", {
      value: undefined,
      configurable: true,
      writable: true,
    });
    const absent = storedTokens();
    absent.set("b");
    expect(absent.get()).toBe("b");
  });

  it("do not fall back to a used token when the storage is full", () => {
    const tokens = storedTokens();
    tokens.set("spent");
    isFull = true;

    tokens.set("fresh");

    expect(tokens.get()).toBe("fresh");
  });

  it("sign all tabs in and out together", async () => {
    const users = new Users();
    const [one, other] = [tab(users, storedTokens()), tab(users, storedTokens())];
    await Promise.all([one.resume(), other.resume()]);
    await one.signIn(credentials);
    changed();
    await eventually(() =>
      expect(other.session.get()).toMatchObject({ user: { name: "Selma" }, status: "signedIn" }),
    );

    await one.signOut();
    changed();

    expect(other.session.get()).toEqual({ user: null, status: "signedOut" });
    expect(await codeOf(other.sales())).toBe("UNAUTHENTICATED");
  });

  it("end the session when the whole storage is cleared, and not when another key changes", async () => {
    const users = new Users();
    const souk = tab(users, storedTokens());
    await souk.signIn(credentials);
    changed("another key");
    expect(souk.session.get().status).toBe("signedIn");
    stored.clear();

    changed(null);

    expect(souk.session.get().status).toBe("signedOut");
  });
});
