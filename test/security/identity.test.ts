/** Identity: tokens forged in every known way, stolen, replayed and rotated, and the places that must hold no secrets. */
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CompactSign, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from "jose";
import { newKeyPair } from "../../broker/keys.ts";
import { accessTokenSeconds, audience, issuer, type Session } from "../../contracts/users.ts";
import { Client, password } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startMarket, type Market } from "../support/market.ts";
import { spawnNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";

let market: Market;
let victim: Client;
beforeAll(async () => {
  market = await startMarket({ LOG_LEVEL: "trace" });
  victim = await Client.registered(market.api);
});
afterAll(() => market?.close());

const unauthenticated = { ok: false, code: "UNAUTHENTICATED", detail: expect.any(String) };
const encode = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const me = (accessToken: string) =>
  new Client(market.api, { accessToken } as Session).call("GET", "/users/me");

/** The claims of a valid token of the victim. */
const claims = (change: object = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return {
    sub: victim.id,
    sid: randomUUID(),
    iss: issuer,
    aud: audience,
    iat: now,
    exp: now + 600,
    ...change,
  };
};
/** Signed with our own key, so that only the change is wrong. */
const signed = async (header: object, payload: unknown, key: JWK = market.key) =>
  new CompactSign(Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)))
    .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: market.key.kid, ...header } as never)
    .sign((await importJWK(key, "EdDSA")) as never, { crit: { souk: true } });
const hmac = (header: object, secret: string | Buffer) => {
  const content = `${encode(header)}.${encode(claims())}`;
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
};
const without = (name: string) => signed({}, { ...claims(), [name]: undefined });
const published = () => createPublicKey({ key: market.keys.public[0] as never, format: "jwk" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const foreign = newKeyPair();

const forged: Record<string, () => string | Promise<string>> = {
  "without a signature, alg none": () =>
    `${encode({ alg: "none", kid: market.key.kid })}.${encode(claims())}.`,
  "without a signature, alg NONE": () => `${encode({ alg: "NONE" })}.${encode(claims())}.`,
  "without a signature, alg EdDSA": () =>
    `${encode({ alg: "EdDSA", kid: market.key.kid })}.${encode(claims())}.`,
  "signed by HS256 with the public key's bytes": () =>
    hmac({ alg: "HS256", kid: market.key.kid }, Buffer.from(market.key.x!, "base64url")),
  "signed by HS256 with the public key's text": () =>
    hmac({ alg: "HS256", kid: market.key.kid }, market.key.x!),
  "signed by HS256 with the public key's PEM": () =>
    hmac(
      { alg: "HS256", kid: market.key.kid },
      published().export({ type: "spki", format: "pem" }),
    ),
  "signed by HS256 with nothing": () => hmac({ alg: "HS256", kid: market.key.kid }, ""),
  "signed by RS256": () => {
    const content = `${encode({ alg: "RS256", kid: market.key.kid })}.${encode(claims())}`;
    return `${content}.${sign("sha256", Buffer.from(content), rsa.privateKey).toString("base64url")}`;
  },
  "whose signature has another last character for the same bytes": async () => {
    const valid = await signed({}, claims());
    // The last of 86 characters has four unused bits.
    return valid.slice(0, -1) + String.fromCharCode(valid.charCodeAt(valid.length - 1) + 1);
  },
  "of another key under our kid": () => signed({}, claims(), foreign.private),
  "of another key under its own kid": () =>
    signed({ kid: foreign.private.kid }, claims(), foreign.private),
  "of another key that it contains (jwk)": () =>
    signed({ jwk: foreign.public, kid: foreign.public.kid }, claims(), foreign.private),
  "of another key that it links to (jku)": () =>
    signed(
      { jku: "http://127.0.0.1:1/keys.json", x5u: "http://127.0.0.1:1/" },
      claims(),
      foreign.private,
    ),
  "of our key without a kid": () => signed({ kid: undefined }, claims()),
  "of our key under another kid": () => signed({ kid: randomUUID() }, claims()),
  "of our key under a kid that is a path": () => signed({ kid: "../../dev/null" }, claims()),
  "of another issuer": () => signed({}, claims({ iss: "elsewhere" })),
  "without an issuer": () => without("iss"),
  "for another audience": () => signed({}, claims({ aud: "elsewhere" })),
  "without an audience": () => without("aud"),
  "that has expired": () => signed({}, claims({ exp: Math.floor(Date.now() / 1000) - 1 })),
  "that never expires": () => without("exp"),
  "that lives longer than 15 minutes": () =>
    signed({}, claims({ exp: Math.floor(Date.now() / 1000) + accessTokenSeconds + 1 })),
  "that was issued in the far future": () => {
    const later = Math.floor(Date.now() / 1000) + 3600;
    return signed({}, claims({ iat: later, exp: later + 600 }));
  },
  "without a time of issue": () => without("iat"),
  "whose expiry is text": () => signed({}, claims({ exp: "2999-01-01" })),
  "that is not valid yet": () => signed({}, claims({ nbf: Math.floor(Date.now() / 1000) + 60 })),
  "without a session": () => without("sid"),
  "whose session is not text": () => signed({}, claims({ sid: { $ne: 1 } })),
  "without a user": () => without("sub"),
  "whose user is not text": () => signed({}, claims({ sub: ["u"] })),
  "whose user is not an id": () => signed({}, claims({ sub: "a.b c" })),
  "without a type (typ)": () => signed({ typ: undefined }, claims()),
  "of another type (typ)": () => signed({ typ: "logout+jwt" }, claims()),
  "with an unknown critical extension (crit)": () => signed({ crit: ["souk"], souk: 1 }, claims()),
  "with an unencoded body (b64)": () =>
    signed({ crit: ["b64"], b64: false }, claims()).catch(() => "none"),
  "whose claims are a list": () => signed({}, [claims()]),
  "whose claims are not JSON": () => signed({}, "hello"),
  "that is encrypted": () => [encode({ alg: "dir", enc: "A256GCM" }), "", "a", "b", "c"].join("."),
  "with a changed claim": () => {
    const [header, , signature] = victim.session!.accessToken.split(".");
    return [
      header,
      encode({ ...decodeJwt(victim.session!.accessToken), sub: "alice" }),
      signature,
    ].join(".");
  },
  "with a changed signature": () =>
    victim.session!.accessToken.replace(/.{4}$/, (end) => (end === "AAAA" ? "BBBB" : "AAAA")),
  "with text after it": () => `${victim.session!.accessToken}.x`,
  "that is a refresh token": () => victim.session!.refreshToken,
  "of 4 KB": () => signed({}, claims({ filler: "x".repeat(2_600) }), foreign.private),
};

describe("an access token", () => {
  it("that is valid is accepted over HTTP, in the handshake and by authorize", async () => {
    const token = await signed({}, claims());
    expect((await me(token)).status).toBe(200);
    await market.device(token).receives("inbox");
    expect(await (await market.device().connects()).ask("authorize", { token })).toEqual({
      ok: true,
      userId: victim.id,
    });
  });

  it.each(Object.keys(forged))(
    "%s is refused over HTTP, in the handshake and by authorize",
    async (what) => {
      const token = await forged[what]!();

      const { status, body } = await me(token);
      expect([status, body.code]).toEqual([401, "UNAUTHENTICATED"]);
      const device = market.device(token);
      await eventually(() =>
        expect(device.refusals).toMatchObject([{ data: { code: "UNAUTHENTICATED" } }]),
      );
      expect(await (await market.device().connects()).ask("authorize", { token })).toEqual(
        unauthenticated,
      );
    },
  );

  it("of excessive length is refused over HTTP, in the handshake and by authorize", async () => {
    for (const size of [5_000, 12_000]) {
      const token = `${victim.session!.accessToken}${"x".repeat(size)}`;
      expect((await me(token)).status).toBe(401);
      const device = market.device(token);
      await eventually(() =>
        expect(device.refusals).toMatchObject([{ data: { code: "UNAUTHENTICATED" } }]),
      );
      expect(await (await market.device().connects()).ask("authorize", { token })).toMatchObject({
        code: "BAD_DATA",
      });
    }
    expect((await me("x".repeat(60_000)).catch(() => ({ status: 413 }))).status).toBe(413);
  });

  it("lives at most 15 minutes, names EdDSA, its type and its key, and contains only ids", () => {
    const { accessToken, expiresIn } = victim.session!;
    const { exp, iat, ...rest } = decodeJwt(accessToken);
    expect([exp! - iat!, expiresIn]).toEqual([accessTokenSeconds, accessTokenSeconds]);
    expect(accessTokenSeconds).toBeLessThanOrEqual(15 * 60);
    expect(rest).toEqual({ sub: victim.id, sid: expect.any(String), iss: issuer, aud: audience });
    expect(decodeProtectedHeader(accessToken)).toEqual({
      alg: "EdDSA",
      kid: market.key.kid,
      typ: "at+jwt",
    });
  });

  it("in a query or a body is ignored", async () => {
    const { accessToken } = victim.session!;
    const anonymous = new Client(market.api);
    expect(await anonymous.call("GET", `/users/me?access_token=${accessToken}`)).toMatchObject({
      status: 401,
    });
    expect(
      await anonymous.call("POST", "/market/items", {
        title: "T",
        price: 1,
        access_token: accessToken,
      }),
    ).toMatchObject({ status: 401 });
  });
});

describe("key rotation", () => {
  it("keeps old tokens valid until the old key is removed, and signs new tokens with the new key", async () => {
    const folder = temporaryFolder();
    const first = await startMarket({}, folder);
    const { session } = await Client.registered(first.api);
    await first.end();
    const file = join(folder.path, "keys.json");
    const next = newKeyPair();
    const restarted = (publicKeys: JWK[]) => {
      writeFileSync(
        file,
        JSON.stringify({ ...first.keys, public: publicKeys, private: next.private }),
      );
      return startMarket({}, folder);
    };
    const status = async ({ api }: Node, each: Session) =>
      (await new Client(api, each).call("GET", "/users/me")).status;

    const both = await restarted([first.keys.public[0]!, next.public]);
    const renewed = (
      await new Client(both.api).call<Session>("POST", "/users/refresh", {
        refreshToken: session!.refreshToken,
      })
    ).body;
    expect([await status(both, session!), await status(both, renewed)]).toEqual([200, 200]);
    expect(decodeProtectedHeader(renewed.accessToken).kid).toBe(next.public.kid);
    await both.end();

    const after = await restarted([next.public]);
    expect([await status(after, session!), await status(after, renewed)]).toEqual([401, 200]);
    await after.close();
  });
});

describe("a session", () => {
  const refresh = (refreshToken: string) =>
    new Client(market.api).call<Session>("POST", "/users/refresh", { refreshToken });
  const isIn = async ({ accessToken }: Session) => (await me(accessToken)).status === 200;
  /** A user with two sessions, each with a device. */
  async function twoSessions() {
    const one = await Client.registered(market.api);
    const other = await market.signedInAgain(one);
    const [device, otherDevice] = [one, other].map(({ session }) =>
      market.device(session!.accessToken),
    );
    await Promise.all([device!.receives("inbox"), otherDevice!.receives("inbox")]);
    return { one, other, device: device!, otherDevice: otherDevice! };
  }

  it("ends with its sockets and the thief's tokens when a spent refresh token is used again", async () => {
    const { one, other, device, otherDevice } = await twoSessions();
    const { body: thief } = await refresh(one.session!.refreshToken);
    expect(await isIn(thief)).toBe(true);

    expect(await refresh(one.session!.refreshToken)).toMatchObject({ status: 401 });

    expect(await refresh(thief.refreshToken)).toMatchObject({ status: 401 });
    expect([await isIn(one.session!), await isIn(thief), await isIn(other.session!)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(await device.receives("closing")).toEqual({ code: "UNAUTHENTICATED" });
    await eventually(() => expect(device.disconnects).toEqual(["io server disconnect"]));
    expect(otherDevice.disconnects).toEqual([]);
  });

  it("is refreshed for one of many concurrent uses of one token, and then ends", async () => {
    const { session } = await Client.registered(market.api);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refresh(session!.refreshToken)),
    );
    const good = answers.filter(({ status }) => status === 200);
    expect(good).toHaveLength(1);
    expect(await refresh(good[0]!.body.refreshToken)).toMatchObject({ status: 401 });
  });

  it("continues with the same next token when a refresh is repeated with its idempotency key, also concurrently", async () => {
    const { session } = await Client.registered(market.api);
    const again = { refreshToken: session!.refreshToken, idempotencyKey: randomUUID() };
    const ask = () => new Client(market.api).call<Session>("POST", "/users/refresh", again);
    const answers = [...(await Promise.all(Array.from({ length: 20 }, ask))), await ask()];

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const tokens = new Set(answers.map(({ body }) => body.refreshToken));
    expect(tokens.size).toBe(1);
    expect(tokens).not.toContain(session!.refreshToken);
    expect(await Promise.all(answers.map(({ body }) => isIn(body)))).toEqual(
      answers.map(() => true),
    );
    expect(await refresh([...tokens][0]!)).toMatchObject({ status: 200 });
  });

  const keys = {
    "ends when a spent refresh token is used with another key": () => randomUUID(),
    "ends when a spent refresh token is used without a key": () => undefined,
    "ends when a spent refresh token is used with its key after the next token was spent": (
      key: string,
    ) => key,
  };
  it.each(Object.keys(keys) as (keyof typeof keys)[])("%s", async (what) => {
    const { session } = await Client.registered(market.api);
    const ask = (refreshToken: string, idempotencyKey?: string) =>
      new Client(market.api).call<Session>("POST", "/users/refresh", {
        refreshToken,
        idempotencyKey,
      });
    const key = randomUUID();
    const { body: next } = await ask(session!.refreshToken, key);
    const { body: newest } = what.includes("was spent")
      ? await ask(next.refreshToken, key)
      : { body: next };
    expect(await isIn(newest)).toBe(true);

    const again = await ask(session!.refreshToken, keys[what](key));

    expect(again).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
    expect(await ask(newest.refreshToken)).toMatchObject({ status: 401 });
    expect(await isIn(newest)).toBe(false);
  });

  it.each(["", "short", "x".repeat(65), "spaces are not taken", 7])(
    "is neither refreshed nor ended with %j as a key",
    async (key) => {
      const { session } = await Client.registered(market.api);
      const body = { refreshToken: session!.refreshToken, idempotencyKey: key };
      expect(await new Client(market.api).call("POST", "/users/refresh", body)).toMatchObject({
        status: 400,
        body: { code: "BAD_DATA", errors: [{ field: "idempotencyKey" }] },
      });
      expect(await refresh(session!.refreshToken)).toMatchObject({ status: 200 });
    },
  );

  it("ends with its sockets and refresh token by logout and by a change of password", async () => {
    const { one, other, device, otherDevice } = await twoSessions();
    await one.call("POST", "/users/logout", { refreshToken: one.session!.refreshToken });
    await device.receives("closing");
    expect([await isIn(one.session!), await isIn(other.session!)]).toEqual([false, true]);

    const third = await market.signedInAgain(one);
    const changed = await third.call<Session>("POST", "/users/password", {
      password,
      newPassword: "another horse battery",
    });
    await otherDevice.receives("closing");
    expect([
      await isIn(other.session!),
      await isIn(third.session!),
      await isIn(changed.body),
    ]).toEqual([false, false, true]);
    for (const { session } of [one, other, third])
      expect(await refresh(session!.refreshToken)).toMatchObject({ status: 401 });
  });

  it("is not ended by a refresh token with its ids but not its secrets", async () => {
    const { one } = await twoSessions();
    const parts = one.session!.refreshToken.split(".");
    for (const index of parts.keys()) {
      const guess = parts
        .map((part, i) =>
          i === index ? `${part.slice(0, -1)}${part.endsWith("A") ? "B" : "A"}` : part,
        )
        .join(".");
      // The last part is the token within the family. A guess with all other parts comes from a thief of an earlier token.
      if (index < parts.length - 1) expect(await refresh(guess)).toMatchObject({ status: 401 });
    }
    expect(await isIn(one.session!)).toBe(true);
    expect(await refresh(one.session!.refreshToken)).toMatchObject({ status: 200 });
  });

  it("is not refreshed by its access token, nor opened by its refresh token", async () => {
    const { session } = await Client.registered(market.api);
    expect(await refresh(session!.accessToken)).toMatchObject({ status: 401 });
    expect((await me(session!.refreshToken)).status).toBe(401);
  });
});

describe("sign-in", () => {
  const login = async (email: string, secret: string) => {
    const startedAt = performance.now();
    const { status, body } = await new Client(market.api).call("POST", "/users/login", {
      email,
      password: secret,
    });
    const { requestId: _, ...rest } = body;
    return { status, rest, took: performance.now() - startedAt };
  };

  it("reveals neither by words nor by time whether an account exists", async () => {
    const email = victim.session!.user.email;
    const times: Record<"known" | "unknown", number[]> = { known: [], unknown: [] };
    const answers = new Set<string>();
    // The fastest of each: hashing dominates the time, and noise only adds to it.
    const fastest = (account: "known" | "unknown") => Math.min(...times[account]);
    const areAlike = () =>
      fastest("unknown") > fastest("known") / 2 && fastest("unknown") < fastest("known") * 2;
    for (let n = 0; n < 15 || (n < 150 && !areAlike()); n++) {
      for (const [account, address] of [
        ["known", email],
        ["unknown", `${randomUUID()}@souk.test`],
      ] as const) {
        const { status, rest, took } = await login(address, "not the password");
        times[account].push(took);
        answers.add(JSON.stringify({ status, rest }));
      }
    }
    expect([...answers]).toHaveLength(1);
    expect(areAlike()).toBe(true);
  });
});

describe("secrets", () => {
  /** A user that has called every route that handles secrets, and those secrets. */
  async function busy(): Promise<{ client: Client; secrets: Record<string, string> }> {
    const client = await Client.registered(market.api);
    const { email } = client.session!.user;
    const failed = `wrong-${randomUUID()}`;
    await new Client(market.api).call("POST", "/users/login", { email, password: failed });
    const { body: renewed } = await client.call<Session>("POST", "/users/refresh", {
      refreshToken: client.session!.refreshToken,
    });
    const next = `next-${randomUUID()}`;
    const { body: changed } = await new Client(market.api, renewed).call<Session>(
      "POST",
      "/users/password",
      {
        password,
        newPassword: next,
      },
    );
    await market.device(changed.accessToken).receives("inbox");
    await (await market.device().connects()).ask("authorize", { token: changed.accessToken });
    // Failed calls, because they log the most.
    await new Client(market.api).call("POST", "/users/refresh", {
      refreshToken: client.session!.refreshToken,
    });
    await new Client(market.api).call("POST", "/users/login", {
      email,
      password: failed,
      extra: 1,
    });
    await me(`${changed.accessToken}x`);
    await fetch(`${market.api}/users/me?token=${changed.accessToken}`);
    const tokens = [client.session!, renewed, changed].flatMap(({ accessToken, refreshToken }) => [
      accessToken,
      refreshToken,
    ]);
    const pieces = tokens.flatMap((token) => token.split(".").slice(-1));
    return {
      client: new Client(market.api, changed),
      secrets: Object.fromEntries(
        [password, failed, next, market.key.d!, ...tokens, ...pieces].map((secret, n) => [
          `secret ${n}`,
          secret,
        ]),
      ),
    };
  }
  const found = (text: string, secrets: Record<string, string>) =>
    Object.keys(secrets).filter((name) => text.includes(secrets[name]!));

  it("are in no data file except the key's, which only its owner can read", async () => {
    const { client, secrets } = await busy();
    const files = readdirSync(market.dataDir).filter((name) =>
      statSync(join(market.dataDir, name)).isFile(),
    );
    const accounts = files
      .map((name) => readFileSync(join(market.dataDir, name), "utf8"))
      .filter((text) => text.includes(client.id));

    expect(accounts.join()).toMatch(/\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    for (const name of files.filter((file) => file !== "keys.json"))
      expect([name, found(readFileSync(join(market.dataDir, name), "utf8"), secrets)]).toEqual([
        name,
        [],
      ]);
    expect(statSync(join(market.dataDir, "keys.json")).mode & 0o077).toBe(0);
  });

  it("are in no log line at any log level", async () => {
    const { client, secrets } = await busy();
    const marker = randomUUID();
    await client.call("POST", "/users/login", {
      email: `${marker}@souk.test`,
      password: "x".repeat(300),
    });

    await eventually(() => market.output().length > 0);
    expect(found(market.output(), secrets)).toEqual([]);
    expect(market.output()).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/);
  });

  it("of a cluster's URLs and keys are in no log line of a node that reaches no server", async () => {
    const pair = newKeyPair();
    const jwk = Buffer.from(JSON.stringify(pair.private)).toString("base64url");
    const [amqpPassword, mongoPassword] = [`amqp-${randomUUID()}`, `mongo-${randomUUID()}`];
    const node = spawnNode(["users"], {
      LOG_LEVEL: "trace",
      AMQP_URL: `amqp://souk:${amqpPassword}@127.0.0.1:1`,
      USERS_MONGO_URL: `mongodb://souk:${mongoPassword}@127.0.0.1:1`,
      AUTH_JWKS: Buffer.from(JSON.stringify({ keys: [pair.public] })).toString("base64url"),
      AUTH_PRIVATE_JWK: jwk,
    });
    const complaints = [/Cannot connect to RabbitMQ/, /MongoDB at .* is unavailable/];
    await eventually(() => complaints.every((complaint) => complaint.test(node.output())), {
      within: 15_000,
    }).finally(() => node.end("SIGKILL"));

    expect(found(node.output(), { amqpPassword, mongoPassword, jwk, d: pair.private.d! })).toEqual(
      [],
    );
  });
});

describe("an attack", () => {
  it("leaves a trace in the log, without secrets", async () => {
    const target = await startMarket({ LOG_LEVEL: "info" });
    const client = await Client.registered(target.api);
    const { id, email } = client.session!.user;
    const stranger = new Client(target.api);
    const next = `next-${randomUUID()}`;
    const wrong = `wrong-${randomUUID()}`;

    for (let n = 0; n < 12; n++)
      await stranger.call("POST", "/users/login", { email, password: wrong });
    await stranger.call("POST", "/users", { email, password: next, name: "Copy" });
    const forgery = `${client.session!.accessToken.slice(0, -8)}AAAAAAAA`;
    await new Client(target.api, { accessToken: forgery } as Session).call("GET", "/users/me");
    const { refreshToken } = client.session!;
    const refresh = () => stranger.call<Session>("POST", "/users/refresh", { refreshToken });
    const { body: renewed } = await refresh();
    await new Client(target.api, renewed).call("POST", "/users/password", {
      password: wrong,
      newPassword: next,
    });
    await refresh();
    const other = await Client.registered(target.api);
    await other.call("POST", "/users/password", { password, newPassword: next });
    await target.close();

    const lines = target.output().match(/Security event .*$/gm)!;
    const network = "network=127.0.0.1";
    expect(
      lines.filter((line) => line === `Security event sign_in_failed user=${id} ${network}`),
    ).toHaveLength(5);
    expect(lines.slice(5)).toEqual(
      expect.arrayContaining([
        `Security event registration_refused ${network}`,
        "Security event access_token_forged",
        `Security event password_change_failed user=${id} ${network}`,
        expect.stringMatching(`^Security event refresh_token_reused user=${id} session=`),
        expect.stringMatching(`^Security event session_ended user=${id} session=`),
        `Security event password_changed user=${other.id}`,
      ]),
    );
    const secrets = [email, wrong, next, forgery, refreshToken];
    expect(secrets.filter((secret) => lines.join().includes(secret))).toEqual([]);
  });
});
