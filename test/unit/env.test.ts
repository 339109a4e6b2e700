import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { MongoClient } from "mongodb";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { ConfigurationError, readEnv } from "../../broker/env/read.ts";
import { environment } from "../../broker/env/schema.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { newPushKey, publicPushKey, pushKeysOf } from "../../broker/push-keys.ts";
import { serviceNames, services } from "../../contracts/actions.ts";

const dataDir = mkdtempSync(join(tmpdir(), "souk-env-"));
afterAll(() => rmSync(dataDir, { recursive: true }));

const pair = newKeyPair();
const jwks = encode({ keys: [pair.public] });
const jwk = encode(pair.private);
const cluster = {
  AMQP_URL: "amqp://localhost",
  MONGO_URL: "mongodb://localhost",
  AUTH_JWKS: jwks,
  AUTH_PRIVATE_JWK: jwk,
};
const embedded = { DATA_DIR: dataDir };
const zeros = Buffer.alloc(32).toString("base64url");

/** A valid pair whose private key is one repeated byte. */
function guessablePair() {
  const seed = Buffer.alloc(32, 7);
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const { x, d } = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({
    format: "jwk",
  });
  return { public: { ...pair.public, x }, private: { ...pair.private, x, d } };
}

function faultsOf(source: Record<string, string | undefined>): string[] {
  try {
    readEnv(source);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
  }
  return [];
}

const guessable = guessablePair();

describe("an embedded market's configuration", () => {
  it("needs no variable, and listens on this machine only", () => {
    expect(readEnv(embedded)).toMatchObject({
      embedded: true,
      services: serviceNames,
      host: "127.0.0.1",
      port: 3000,
      socketPort: 3001,
    });
  });

  it("makes keys on first start, readable only by their owner, and reads them again later", () => {
    const first = readEnv(embedded).keys;
    expect(readEnv(embedded).keys).toEqual(first);
    expect(first.private?.kid).toBe(first.public[0]?.kid);
    expect(readEnv(embedded).pushKeys).toEqual(pushKeysOf(first.push!));
    expect(statSync(join(dataDir, "keys.json")).mode & 0o777).toBe(0o600);
  });

  it("adds a key of web push to a key file that has none, and keeps the others", () => {
    const { push: _, ...former } = readEnv(embedded).keys;
    const file = join(dataDir, "keys.json");
    writeFileSync(file, JSON.stringify(former));

    const { push, ...others } = readEnv(embedded).keys;

    expect(others).toEqual(former);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ ...former, push });
    expect(readEnv(embedded).keys.push).toEqual(push);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(["{", "null", "{}", '{"public":[]}', '{"public":[{}],"private":{}}'])(
    "does not replace a key file that it cannot read: %s",
    (content) => {
      const broken = mkdtempSync(join(tmpdir(), "souk-env-"));
      writeFileSync(join(broken, "keys.json"), content);
      expect(faultsOf({ DATA_DIR: broken })).toEqual([
        expect.stringMatching(/keys\.json cannot be read/),
      ]);
      expect(readFileSync(join(broken, "keys.json"), "utf8")).toBe(content);
      rmSync(broken, { recursive: true });
    },
  );

  it.each(["XAU", "XXX", "DEM", "HRK", "BGN", "eur", "EU", "EURO"])(
    "is not valid with CURRENCY=%s, which is no currency in use with a minor unit",
    (CURRENCY) =>
      expect(faultsOf({ ...embedded, CURRENCY })).toEqual([
        `CURRENCY must be the ISO 4217 code of a currency that is in use and has a minor unit, for example EUR; it is "${CURRENCY}".`,
      ]),
  );

  it.each(["JPY", "KWD", "CLF", "XCG"])("is valid with CURRENCY=%s", (CURRENCY) =>
    expect(readEnv({ ...embedded, CURRENCY }).currency).toBe(CURRENCY),
  );

  it.each(["/dev/null/data", "/proc/data", "/proc/data/deeper"])(
    "is not valid with the DATA_DIR %s, which cannot be written",
    (DATA_DIR) => {
      expect(faultsOf({ DATA_DIR })).toEqual([
        expect.stringMatching(/^DATA_DIR .* cannot be written/),
      ]);
    },
  );
});

describe("SOCKET_URL", () => {
  it.each([
    ["https://live.example", "https://live.example"],
    ["wss://live.example:444", "wss://live.example:444"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["ws://[::1]:3001", "ws://[::1]:3001"],
    ["Https://LIVE.example/", "https://live.example"],
    ["WSS://live.example:443/", "wss://live.example"],
    ["http://live.example:80", "http://live.example"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
  ])("%s is the origin %s", (SOCKET_URL, origin) => {
    expect(readEnv({ ...embedded, SOCKET_URL }).socketUrl).toBe(origin);
  });

  it.each([
    "live.example",
    "ftp://live.example",
    "https://live.example/socket.io",
    "https://live.example//",
    "https://live.example?a=b",
    "https://ann:secret@live.example",
    "https://*.example",
    "https://a;script-src",
    "https://a 'unsafe-inline'",
    "https://a,https://b",
    "https:live.example",
    "https:\\\\live.example",
  ])("is not valid as %s, because it becomes part of the page's security policy", (SOCKET_URL) => {
    const faults = faultsOf({ ...embedded, SOCKET_URL });
    expect(faults).toEqual([expect.stringMatching(/^SOCKET_URL must be an origin/)]);
    expect(faults.join()).not.toContain("secret");
  });
});

describe("PUBLIC_URL", () => {
  it.each([
    ["https://shop.example", "https://shop.example"],
    ["HTTP://Shop.Example:80/", "http://shop.example"],
  ])("%s is the origin %s", (PUBLIC_URL, origin) =>
    expect(readEnv({ ...embedded, PUBLIC_URL }).publicUrl).toBe(origin),
  );

  it.each(["wss://shop.example", "https://shop.example/shop", "shop.example"])(
    "is not valid as %s",
    (PUBLIC_URL) =>
      expect(faultsOf({ ...embedded, PUBLIC_URL })).toEqual([
        expect.stringMatching(/^PUBLIC_URL must be an origin without a path/),
      ]),
  );
});

describe("CORS_ORIGINS", () => {
  it.each([
    "https://shop.example, http://shop.example:8080",
    "capacitor://localhost",
    "ionic://localhost,https://localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://6a3c2b1d-0f4e-4c7a-9b8d-1e2f3a4b5c6d",
    "safari-web-extension://6A3C2B1D-0F4E-4C7A-9B8D-1E2F3A4B5C6D",
    "tauri://localhost",
    "app://obsidian.md, app://.",
  ])("is valid as %s", (CORS_ORIGINS) =>
    expect(readEnv({ ...embedded, CORS_ORIGINS }).origins.listed).toEqual(
      CORS_ORIGINS.split(/, ?/),
    ),
  );

  it.each([
    ["Https://SHOP.example/", "https://shop.example"],
    ["https://shop.example:443", "https://shop.example"],
    ["http://shop.example:80/", "http://shop.example"],
    ["Capacitor://localhost/", "capacitor://localhost"],
    ["app://.", "app://."],
  ])("%s admits the origin %s, as browsers write it", (CORS_ORIGINS, origin) =>
    expect(readEnv({ ...embedded, CORS_ORIGINS }).origins.listed).toEqual([origin]),
  );

  it.each([
    ...["null", "*", "shop.example", "https://shop.example/a", "https://*.example", "file://"],
    ...["capacitor://", "capacitor:///", "capacitor://*", "app://a b", "file://localhost"],
    ...["File://localhost/", "Data://x", "ws://shop.example", "https://shop.example?"],
    ...["https://shop.example, null", "https://ann:secret@shop.example"],
  ])("is not valid as %s, which no page has as its origin", (CORS_ORIGINS) => {
    const faults = faultsOf({ ...embedded, CORS_ORIGINS });
    expect(faults).toEqual([expect.stringMatching(/^CORS_ORIGINS must be origins/)]);
    expect(faults.join()).not.toContain("secret");
  });

  it("pages of localhost are admitted by an embedded market without proxies, and never by a cluster", () => {
    const admits = (source: object) => readEnv(source as never).origins.localhost;
    expect(admits(embedded)).toBe(true);
    expect(admits({ ...embedded, HOST: "0.0.0.0" })).toBe(true); // in a container; each request's Host decides
    expect(admits({ ...embedded, TRUSTED_PROXIES: "1" })).toBe(false);
    expect(admits(cluster)).toBe(false);
    expect(admits({ ...cluster, HOST: "127.0.0.1" })).toBe(false);
  });
});

describe("a cluster node's configuration", () => {
  it("reports all faults at once", () => {
    const faults = faultsOf({
      AMQP_URL: "amqp://localhost",
      PORT: "99999",
      CURRENCY: "euro",
      LOG_LEVEL: "loud",
      TRUSTED_PROXIES: "0.5",
      CORS_ORIGINS: "shop",
    });
    for (const name of [
      "PORT",
      "CURRENCY",
      "LOG_LEVEL",
      "TRUSTED_PROXIES",
      "CORS_ORIGINS",
      ...services,
      "AUTH_JWKS",
      "AUTH_PRIVATE_JWK",
    ])
      expect(faults.filter((fault) => fault.includes(name))).not.toHaveLength(0);
  });

  it("reports all other faults when AMQP_URL is missing or faulty, and no fault that follows from it", () => {
    const wrong = { SERVICES: "market,users", MARKET_MONGO_URL: "mysql://x", CURRENCY: "euro" };
    const others = [
      /^MARKET_MONGO_URL must be a URL/,
      /^USERS_MONGO_URL or MONGO_URL is missing/,
      /^CURRENCY must be/,
      /^AUTH_JWKS is missing/,
      /^AUTH_PRIVATE_JWK is missing/,
    ];
    for (const [AMQP_URL, first] of [
      [undefined, /^AMQP_URL is missing/],
      ["http://x", /^AMQP_URL must be a URL/],
    ] as const) {
      const faults = faultsOf({ ...wrong, AMQP_URL });
      for (const fault of [first, ...others])
        expect(faults).toContainEqual(expect.stringMatching(fault));
      expect(faults).toHaveLength(1 + others.length);
    }
  });

  it("listens on every address", () =>
    expect(readEnv(cluster)).toMatchObject({ embedded: false, host: "0.0.0.0" }));

  it.each([
    "mongodb://u:p@localhost",
    "mongodb://u:p@localhost/",
    "mongodb://u:p@localhost/admin",
    "mongodb://u:p@localhost/people?appName=x",
    "mongodb://u:p@localhost/?authSource=people",
    "mongodb://localhost,127.0.0.1:27018/?replicaSet=rs",
    "mongodb://u:p%40%2F@[::1]:27018",
    "mongodb://%2Ftmp%2Fmongodb-27017.sock",
  ])(
    "gives each service a database of its own at %s, and the URL to the driver unchanged",
    (url) => {
      const databases = readEnv({ ...cluster, MONGO_URL: url }).databases;
      expect(databases).toEqual(
        Object.fromEntries(services.map((name) => [name, { url, name: `souk-${name}` }])),
      );
      // What Souk gives to the driver, as the driver alone would read it.
      const given = new MongoClient(databases.market!.url).options.credentials;
      expect(given?.source).toBe(new MongoClient(url).options.credentials?.source);
    },
  );

  it("allows targets on this machine only on a loopback address", () => {
    const local = { ...cluster, ALLOW_LOCAL_TARGETS: "1" };
    const fault = "ALLOW_LOCAL_TARGETS=1 is for development: HOST must be a loopback address.";
    for (const HOST of [undefined, "0.0.0.0", "::", "10.0.0.1", "souk.example"])
      expect(faultsOf({ ...local, HOST })).toEqual([fault]);
    for (const HOST of ["127.0.0.1", "::1", "localhost"]) {
      expect(readEnv({ ...local, HOST }).allowLocalTargets).toBe(true);
      expect(readEnv({ ...cluster, HOST }).allowLocalTargets).toBe(false);
    }
    expect(readEnv({ ...embedded, ALLOW_LOCAL_TARGETS: "1" }).allowLocalTargets).toBe(true);
    expect(faultsOf({ ...embedded, ALLOW_LOCAL_TARGETS: "1", HOST: "0.0.0.0" })).toEqual([fault]);
  });

  it("logs requests at level info by ACCESS_LOG, at level debug by LOG_LEVEL, and never without its lines being logged", () => {
    const levelOf = (source: object) => readEnv({ ...cluster, ...source }).accessLog;
    expect(levelOf({})).toBeUndefined();
    expect(levelOf({ ACCESS_LOG: "0", LOG_LEVEL: "error" })).toBeUndefined();
    for (const LOG_LEVEL of ["debug", "trace"]) expect(levelOf({ LOG_LEVEL })).toBe("debug");
    for (const LOG_LEVEL of [undefined, "info", "debug", "trace"])
      expect(levelOf({ ACCESS_LOG: "1", LOG_LEVEL })).toBe("info");
    for (const LOG_LEVEL of ["warn", "error", "fatal"])
      expect(faultsOf({ ...cluster, ACCESS_LOG: "1", LOG_LEVEL })).toEqual([
        "ACCESS_LOG=1 logs at level info: LOG_LEVEL must be info, debug or trace.",
      ]);
  });

  it("prefers a service's own URL and the database in it", () => {
    const { databases } = readEnv({
      ...cluster,
      USERS_MONGO_URL: "mongodb://localhost:1/people?w=1",
      MARKET_MONGO_URL: "mongodb://u:p@localhost:2",
      NOTIFICATIONS_MONGO_URL: "mongodb://localhost:3/a%62c",
    });
    expect(databases).toEqual({
      users: { url: "mongodb://localhost:1/people?w=1", name: "people" },
      market: { url: "mongodb://u:p@localhost:2", name: "souk-market" },
      notifications: { url: "mongodb://localhost:3/a%62c", name: "abc" },
      deliveries: { url: "mongodb://localhost", name: "souk-deliveries" },
    });
  });

  it.each(services)("is not valid for %s without a database", (name) => {
    const source = {
      AMQP_URL: "amqp://localhost",
      SERVICES: name,
      AUTH_JWKS: jwks,
      ...(name === "users" && { AUTH_PRIVATE_JWK: jwk }),
    };
    expect(faultsOf(source)).toEqual([
      expect.stringMatching(new RegExp(`^${name.toUpperCase()}_MONGO_URL or MONGO_URL is missing`)),
    ]);
  });

  it("needs no database for api, and no keys for market", () => {
    expect(faultsOf({ AMQP_URL: "amqp://localhost", SERVICES: "api", AUTH_JWKS: jwks })).toEqual(
      [],
    );
    expect(
      faultsOf({
        AMQP_URL: "amqp://localhost",
        MONGO_URL: "mongodb://localhost",
        SERVICES: "market",
      }),
    ).toEqual([]);
  });

  it("has the private key of web push on nodes with deliveries only", () => {
    const push = newPushKey();
    const given = { ...cluster, PUSH_PRIVATE_JWK: encode(push) };

    expect(readEnv(given).pushKeys).toEqual(pushKeysOf(push));
    expect(readEnv(cluster).pushKeys).toEqual({ public: undefined, private: undefined });
    expect(faultsOf({ ...given, AUTH_PRIVATE_JWK: "", SERVICES: "api" })).toEqual([
      expect.stringMatching(/Only deliveries may have it/),
    ]);
  });

  it("is not valid with the private key on a node without users", () => {
    expect(faultsOf({ ...cluster, SERVICES: "api" })).toEqual([
      expect.stringMatching(/Only users may have it/),
    ]);
  });

  it.each([
    [
      "a private key that is not Ed25519",
      { AUTH_PRIVATE_JWK: encode({ kty: "oct", k: "secret" }) },
    ],
    ["a key of web push that is none", { PUSH_PRIVATE_JWK: encode(pair.private) }],
    ["a key of web push that is no JSON", { PUSH_PRIVATE_JWK: "hello" }],
    [
      "a key of web push whose halves are not a pair",
      { PUSH_PRIVATE_JWK: encode({ ...newPushKey(), d: newPushKey().d }) },
    ],
    ["a public key of web push that is no point", { PUSH_PUBLIC_KEY: "B".repeat(87) }],
    [
      "two keys of web push that are not a pair",
      {
        PUSH_PRIVATE_JWK: encode(newPushKey()),
        PUSH_PUBLIC_KEY: publicPushKey(newPushKey()),
      },
    ],
    ["a private key without its public key", { AUTH_PRIVATE_JWK: encode(newKeyPair().private) }],
    ["a set that is not JSON", { AUTH_JWKS: "hello" }],
    ["an empty set", { AUTH_JWKS: encode({ keys: [] }) }],
    ["a set with a private key", { AUTH_JWKS: encode({ keys: [pair.private] }) }],
    [
      "a set with two keys of one kid",
      {
        AUTH_JWKS: encode({
          keys: [pair.public, { ...newKeyPair().public, kid: pair.public.kid }],
        }),
      },
    ],
    [
      "a public key for which anyone can forge signatures",
      { AUTH_JWKS: encode({ keys: [{ ...pair.public, x: zeros }] }) },
    ],
    [
      "halves that are not a pair",
      { AUTH_PRIVATE_JWK: encode({ ...pair.private, d: newKeyPair().private.d }) },
    ],
    [
      "a private key that is not random",
      {
        AUTH_PRIVATE_JWK: encode(guessable.private),
        AUTH_JWKS: encode({ keys: [guessable.public] }),
      },
    ],
    [
      "a key for another algorithm",
      { AUTH_JWKS: encode({ keys: [{ ...pair.public, alg: "RS256" }] }) },
    ],
  ])("is not valid with %s", (_what, change) =>
    expect(faultsOf({ ...cluster, ...change })).toHaveLength(1),
  );

  it("is not valid with unencrypted URLs to other machines, unless ALLOW_PLAINTEXT permits them", () => {
    const remote = {
      ...cluster,
      AMQP_URL: "amqp://souk:secret-3f@rabbit",
      MONGO_URL: "mongodb://u:secret-3f@a,b/x",
    };
    const faults = faultsOf(remote);
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain("secret");
    expect(faultsOf({ ...remote, ALLOW_PLAINTEXT: "1" })).toEqual([]);
    expect(
      faultsOf({
        ...remote,
        AMQP_URL: "amqps://souk:secret-3f@rabbit",
        MONGO_URL: "mongodb://a,b/?tls=true",
      }),
    ).toEqual([]);
  });

  it.each([
    "mongodb://a/x?tls=false",
    "mongodb+srv://a/x?tls=false",
    "mongodb+srv://a/x?ssl=false",
    "mongodb://a/x?tls=true&tlsInsecure=true",
    "mongodb://a/x?tls=true&tlsAllowInvalidCertificates=true",
    "mongodb+srv://a/x?tlsAllowInvalidHostnames=true",
    "mongodb://a/x?appName=tls=true",
  ])("is not valid with %s, which TLS does not protect", (MONGO_URL) => {
    const faults = faultsOf({ ...cluster, MONGO_URL });
    expect(faults).toEqual([expect.stringMatching(/is not encrypted/)]);
  });

  it.each([
    "mongodb+srv://a/x",
    "mongodb://a/x?ssl=true",
    "mongodb://a/x?TLS=true&tlsCAFile=ca.pem",
  ])("is valid with %s, which TLS protects", (MONGO_URL) =>
    expect(faultsOf({ ...cluster, MONGO_URL })).toEqual([]),
  );

  it("is not valid with unencrypted URLs in an embedded market either", () => {
    expect(
      faultsOf({ ...embedded, MONGO_URL: "mongodb://u:p@db.example/?tls=false" }),
    ).toHaveLength(1);
    expect(
      faultsOf({ ...embedded, MONGO_URL: "mongodb://u:p@db.example/", ALLOW_PLAINTEXT: "1" }),
    ).toEqual([]);
  });

  it.each([
    { AMQP_URL: "amqp://user:sec/ret@rabbit" },
    { AMQP_URL: "amqp://user:secret" },
    { AMQP_URL: "amqps://user:3f@a;amqps://user:secret" },
    { AMQP_URL: "amqps://user:secret@a:x,b" },
    { AMQP_URL: "amqps://user:secret@a;http://user:secret@b" },
    { AMQP_URL: "amqps:user:secret@a" },
    { MONGO_URL: "mongodb://user:sec%zzret@db" },
    { MONGO_URL: "mongodb://user:sec/ret" },
    { MONGO_URL: "mongodb://db/?tlsCertificateKeyFilePassword=x@secret" },
    { MONGO_URL: "mongodb://user:secret@a:b,c" },
    { MONGO_URL: "mongodb+srv://user:secret@a,b" },
    { SOCKET_URL: "https://user:secret@live.example" },
    { CORS_ORIGINS: "https://shop.example, https://user:secret@live.example" },
    { AMQP_URL: "rabbit user:secret@rabbit" },
    { MONGO_URL: "mongodb://user:sec@ret@db" },
    { MONGO_URL: "mongodb://db/?tlsCertificateKeyFilePassword=secret" },
  ])("shows no part of the password when it reports %j", (wrong) => {
    const faults = faultsOf({ ...cluster, ...wrong });
    expect(faults).not.toEqual([]);
    expect(faults.join()).not.toMatch(/sec|ret@/);
  });

  it.each([
    ["mongodb://user:secret@db/?unknown=1", "option unknown is not supported."],
    ["mongodb://user:sec/ret@db", "Password contains unescaped characters."],
    ["mongodb://db/?tls=true&ssl=false", "All values of tls/ssl must be the same."],
    ["mongodb://user:secret@db:99999", "Unable to parse db:99999 with URL."],
    [
      "mongodb://user:secret@db/?maxPoolSize=-1",
      "maxPoolSize can only be a positive int value, got: -1.",
    ],
    [
      "mongodb://user:secret@db/?replicaSet",
      'URI option "replicaSet" cannot be specified with no value.',
    ],
    [
      "mongodb://user:secret@db/?maxPoolSize=secret",
      "Expected maxPoolSize to be stringified int value, got: ….",
    ],
    ["mongodb://user:sec/ret", "Unable to parse … with URL."],
    ["mongodb://a:a@db/?unknown=1", "option unknown is not supported."],
    ["mongodb://db/x y", "The name of the database has a character that MongoDB does not permit."],
  ])("gives the driver's reason why %s is not valid, without the password", (MONGO_URL, reason) => {
    const [fault, ...others] = faultsOf({ ...cluster, MONGO_URL });
    expect(others).toEqual([]);
    expect(fault).toMatch(/^MONGO_URL must be a URL of MongoDB/);
    expect(fault).toContain(` The MongoDB driver says: ${reason}`);
    expect(fault).not.toMatch(/sec|ret@/);
  });

  it("treats amqp:// as unencrypted, regardless of its options", () => {
    expect(faultsOf({ ...cluster, AMQP_URL: "amqp://souk:secret-3f@rabbit?tls=true" })).toEqual([
      expect.stringMatching(/is not encrypted/),
    ]);
    expect(
      faultsOf({ ...cluster, AMQP_URL: "amqps://souk:secret-3f@a;amqp://souk:secret-3f@b" }),
    ).toEqual([expect.stringMatching(/is not encrypted/)]);
  });

  it("is not valid with RabbitMQ's default user on another machine", () => {
    expect(faultsOf({ ...cluster, AMQP_URL: "amqps://guest:guest@rabbit" })).toEqual([
      expect.stringMatching(/default user guest/),
    ]);
  });

  it.each([
    { AMQP_URL: "amqps://souk:password@rabbit" },
    { AMQP_URL: "amqps://souk:souk@rabbit" },
    { AMQP_URL: "amqps://souk:3fa8c1d0@a;amqps://souk:p%61ssword@b" },
    { MARKET_MONGO_URL: "mongodb+srv://souk:12345678@db/market" },
    { MARKET_MONGO_URL: "mongodb://market:Market@db/market?tls=true" },
  ])("is not valid with an easily guessed password: %j", (guessed) => {
    expect(faultsOf({ ...cluster, ...guessed })).toEqual([expect.stringMatching(/easily guessed/)]);
  });

  it("is valid with any password for servers on this machine", () => {
    expect(
      faultsOf({
        ...cluster,
        AMQP_URL: "amqp://souk:souk@localhost",
        MONGO_URL: "mongodb://u:password@127.0.0.1",
      }),
    ).toEqual([]);
  });

  it.each(["rabbit", "http://x", "amqp://", "mongodb://x"])(
    "is not valid with the AMQP_URL %s",
    (AMQP_URL) => {
      expect(faultsOf({ ...cluster, AMQP_URL })).toEqual([
        expect.stringMatching(/^AMQP_URL must be/),
      ]);
    },
  );

  it("is not valid with an unknown service", () => {
    const { AUTH_PRIVATE_JWK: _, ...others } = cluster;
    expect(faultsOf({ ...others, SERVICES: "market,bazaar" })).toEqual([
      expect.stringMatching(/SERVICES names bazaar, which does not exist/),
    ]);
  });
});

describe("the README's configuration table", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const [, section] = /^#+ Configuration\n(.*?)^#/ms.exec(readme)!;
  const rows = [...section!.matchAll(/^\| (`[A-Z_<][^|]*) \|([^|]*)\|/gm)].map(
    ([, names, defaults]) => ({
      names: [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
      defaults: defaults!,
    }),
  );
  const schemas = Object.entries<TSchema & { default?: unknown }>(environment.properties);
  const documented = (name: string) =>
    rows.find(({ names }) => names.includes(name.replace(/^[A-Z]+(?=_MONGO_URL)/, "<SERVICE>")));

  it.each(schemas)("has %s with its default", (name, { default: value }) => {
    const row = documented(name);

    expect(row).toBeDefined();
    if (value !== undefined) expect(row!.defaults).toContain(String(value));
  });

  it("has no variable that Souk does not read", () => {
    const names = rows.flatMap((row) => row.names);
    const known = ["NODE_EXTRA_CA_CERTS", "<SERVICE>_MONGO_URL", ...schemas.map(([name]) => name)];

    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe("SMTP_URL", () => {
  const mail = { MAIL_FROM: "Souk <noreply@souk.example>", PUBLIC_URL: "https://souk.example" };
  const serverOf = (SMTP_URL: string, more: object = {}) =>
    readEnv({ ...embedded, ...mail, ...more, SMTP_URL }).mailServer;

  it.each([
    ["smtps://mail.example", { host: "mail.example", port: 465, isTls: true, needsTls: true }],
    ["smtp://mail.example", { host: "mail.example", port: 587, isTls: false, needsTls: true }],
    ["smtp://mail.example:25/", { port: 25, needsTls: true }],
    ["smtp://localhost:1025", { host: "localhost", port: 1025, needsTls: false, isLocal: true }],
    ["smtp://[::1]:1025", { host: "::1", needsTls: false, isLocal: true }],
    ["smtp://10.1.2.3", { host: "10.1.2.3", needsTls: true, isLocal: false }],
    ["smtps://u%40x:p%2F%3A%40@mail.example", { auth: { user: "u@x", pass: "p/:@" } }],
  ])("is valid as %s, and TLS is required to other machines", (url, expected) =>
    expect(serverOf(url)).toMatchObject(expected),
  );

  it("needs no TLS with ALLOW_PLAINTEXT", () =>
    expect(serverOf("smtp://mail.example", { ALLOW_PLAINTEXT: "1" })?.needsTls).toBe(false));

  it.each([
    ...["mail.example", "http://mail.example", "smtp:mail.example", "smtps://", "smtp://mail:0"],
    ...[
      "smtps://ann:secret@mail.example/path",
      "smtps://mail.example?tls.rejectUnauthorized=false",
    ],
    ...[
      "smtps://ann:secret@mail.example#x",
      "smtps://ann@mail.example",
      "smtps://:secret@mail.example",
    ],
    ...[
      "smtps://ann:%zzsecret@mail.example",
      "smtps://ann:secret@a b",
      "smtps://ann:secret@mail.example:99999",
    ],
    ...["smtps://ann:secret@a/b@mail.example", "smtps://ann:secret@mail.example\r\nRCPT", "secret"],
  ])("is not valid as %j, and the message has no password", (SMTP_URL) => {
    const faults = faultsOf({ ...embedded, ...mail, SMTP_URL });
    expect(faults).toEqual([expect.stringMatching(/^SMTP_URL must be the URL of a mail server/)]);
    if (SMTP_URL !== "secret") expect(faults.join()).not.toContain("secret");
  });

  it("needs the sender and the page's origin, on the nodes that send mails", () => {
    const SMTP_URL = "smtps://mail.example";
    const missing = [
      "MAIL_FROM is missing. Mails by SMTP_URL need it.",
      "PUBLIC_URL is missing. Mails by SMTP_URL need it.",
    ];
    expect(faultsOf({ ...embedded, SMTP_URL })).toEqual(missing);
    const node = { ...cluster, SERVICES: "market", AUTH_PRIVATE_JWK: undefined };
    expect(faultsOf({ ...node, SMTP_URL })).toEqual([]);
  });

  it("is not needed by an embedded market, which has a folder instead; a cluster has none", () => {
    expect(readEnv(embedded)).toMatchObject({ mailFolder: join(dataDir, "mail") });
    expect(readEnv({ ...embedded, ...mail, SMTP_URL: "smtp://localhost" }).mailFolder).toBe(
      undefined,
    );
    expect(readEnv(cluster)).toMatchObject({ mailFolder: undefined, mailServer: undefined });
  });

  it.each([
    ["noreply@souk.example", { name: "Souk", address: "noreply@souk.example" }],
    ["Das Café <a+b@x-y.example>", { name: "Das Café", address: "a+b@x-y.example" }],
    ["a@b, c@d", undefined],
    ["Souk <a@b>, <c@d>", undefined],
    ["Souk\r\nBcc: x@y <a@b>", undefined],
    ["a@b\r\nBcc: x@y", undefined],
    ['"A" <a@b>', undefined],
    ["souk", undefined],
    ["<a@b>", undefined],
  ])("MAIL_FROM %j is read as %j", (MAIL_FROM, expected) => {
    const faults = faultsOf({ ...embedded, MAIL_FROM });
    expect(faults).toHaveLength(expected ? 0 : 1);
    if (expected) expect(readEnv({ ...embedded, MAIL_FROM }).mailFrom).toEqual(expected);
  });
});
