import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { serviceNames } from "../../contracts/actions.ts";

const dataDir = mkdtempSync(join(tmpdir(), "souk-env-"));
process.env.DATA_DIR = dataDir;
const { ConfigurationError, readEnv } = await import("../../broker/env.ts");
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

/** A pair whose private half anybody finds by trying. */
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
  it("needs nothing, and listens on this machine alone", () => {
    expect(readEnv(embedded)).toMatchObject({
      embedded: true,
      services: serviceNames,
      host: "127.0.0.1",
      port: 3000,
      socketPort: 3001,
    });
  });

  it("makes keys on first start that only their owner can read, and finds them again", () => {
    const first = readEnv(embedded).keys;
    expect(readEnv(embedded).keys).toEqual(first);
    expect(first.private?.kid).toBe(first.public[0]?.kid);
    expect(statSync(join(dataDir, "keys.json")).mode & 0o777).toBe(0o600);
  });

  it.each(["{", "null", "{}", '{"public":[]}', '{"public":[{}],"private":{}}'])(
    "does not replace keys that it cannot read: %s",
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

  it.each(["/dev/null/data", "/proc/data", "/proc/data/deeper"])(
    "is refused %s as DATA_DIR, which cannot be written",
    (DATA_DIR) => {
      expect(faultsOf({ DATA_DIR })).toEqual([
        expect.stringMatching(/^DATA_DIR .* cannot be written/),
      ]);
    },
  );
});

describe("SOCKET_URL", () => {
  it.each([
    "https://live.example",
    "wss://live.example:444",
    "http://localhost:8080",
    "ws://[::1]:3001",
  ])("may be %s", (SOCKET_URL) => {
    expect(readEnv({ ...embedded, SOCKET_URL }).socketUrl).toBe(SOCKET_URL);
  });

  it.each([
    "live.example",
    "ftp://live.example",
    "https://live.example/",
    "https://live.example/socket.io",
    "https://live.example?a=b",
    "https://ann:secret@live.example",
    "https://LIVE.example",
    "https://*.example",
    "https://a;script-src",
    "https://a 'unsafe-inline'",
    "https://a,https://b",
  ])("may not be %s: it becomes part of the page's policy", (SOCKET_URL) => {
    const faults = faultsOf({ ...embedded, SOCKET_URL });
    expect(faults).toEqual([expect.stringMatching(/^SOCKET_URL must be an exact origin/)]);
    expect(faults.join()).not.toContain("secret");
  });
});

describe("a cluster node's configuration", () => {
  it("names every fault at once", () => {
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
      "market",
      "notifications",
      "users",
      "AUTH_JWKS",
      "AUTH_PRIVATE_JWK",
    ])
      expect(faults.filter((fault) => fault.includes(name))).not.toHaveLength(0);
  });

  it("names what else is wrong when AMQP_URL is missing or wrong, and nothing that only follows from it", () => {
    const wrong = { SERVICES: "market,users", MARKET_MONGO_URL: "mysql://x", CURRENCY: "euro" };
    const others = [
      /^MARKET_MONGO_URL must be a URL/,
      /hosts users: set USERS_MONGO_URL/,
      /^CURRENCY must be/,
      /^AUTH_JWKS is missing/,
      /^AUTH_PRIVATE_JWK is missing/,
    ];
    for (const [AMQP_URL, first] of [
      [undefined, /^AMQP_URL is missing: market, users would have nobody/],
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

  it("gives each service a database of its own", () => {
    expect(
      readEnv({ ...cluster, MONGO_URL: "mongodb://u:p@localhost/ignored?appName=x" }).mongoUrls,
    ).toEqual({
      market: "mongodb://u:p@localhost/souk-market?appName=x",
      notifications: "mongodb://u:p@localhost/souk-notifications?appName=x",
      users: "mongodb://u:p@localhost/souk-users?appName=x",
    });
  });

  it("prefers a service's own URL, with the database it names", () => {
    const { mongoUrls } = readEnv({
      ...cluster,
      USERS_MONGO_URL: "mongodb://localhost:1/people?w=1",
      MARKET_MONGO_URL: "mongodb://localhost:2",
    });
    expect(mongoUrls).toMatchObject({
      users: "mongodb://localhost:1/people?w=1",
      market: "mongodb://localhost:2/souk-market",
    });
  });

  it.each(["market", "notifications", "users"])("is refused for %s without a database", (name) => {
    const source = {
      AMQP_URL: "amqp://localhost",
      SERVICES: name,
      AUTH_JWKS: jwks,
      ...(name === "users" && { AUTH_PRIVATE_JWK: jwk }),
    };
    expect(faultsOf(source)).toEqual([
      expect.stringMatching(new RegExp(`hosts ${name}: set ${name.toUpperCase()}_MONGO_URL`)),
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

  it("is refused the private key where users is not hosted", () => {
    expect(faultsOf({ ...cluster, SERVICES: "api" })).toEqual([
      expect.stringMatching(/only users may hold it/),
    ]);
  });

  it.each([
    ["a key of no shape", { AUTH_PRIVATE_JWK: encode({ kty: "oct", k: "secret" }) }],
    ["a key that nobody could check", { AUTH_PRIVATE_JWK: encode(newKeyPair().private) }],
    ["no JSON", { AUTH_JWKS: "hello" }],
    ["an empty set", { AUTH_JWKS: encode({ keys: [] }) }],
    ["a set that shows the private key", { AUTH_JWKS: encode({ keys: [pair.private] }) }],
    [
      "a set with two keys of one kid",
      {
        AUTH_JWKS: encode({
          keys: [pair.public, { ...newKeyPair().public, kid: pair.public.kid }],
        }),
      },
    ],
    [
      "a public key that takes signatures which nobody made",
      { AUTH_JWKS: encode({ keys: [{ ...pair.public, x: zeros }] }) },
    ],
    [
      "halves that are no pair",
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
  ])("is refused %s", (_what, change) =>
    expect(faultsOf({ ...cluster, ...change })).toHaveLength(1),
  );

  it("is refused unencrypted URLs to other hosts, unless ALLOW_PLAINTEXT says so", () => {
    const away = {
      ...cluster,
      AMQP_URL: "amqp://souk:secret-3f@rabbit",
      MONGO_URL: "mongodb://u:secret-3f@a,b/x",
    };
    const faults = faultsOf(away);
    expect(faults).toHaveLength(4);
    expect(faults.join()).not.toContain("secret");
    expect(faultsOf({ ...away, ALLOW_PLAINTEXT: "1" })).toEqual([]);
    expect(
      faultsOf({
        ...away,
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
  ])("is refused %s, which TLS does not protect", (MONGO_URL) => {
    const faults = faultsOf({ ...cluster, MONGO_URL });
    expect(faults).toHaveLength(3);
    for (const fault of faults) expect(fault).toMatch(/is not encrypted/);
  });

  it.each([
    "mongodb+srv://a/x",
    "mongodb://a/x?ssl=true",
    "mongodb://a/x?TLS=true&tlsCAFile=ca.pem",
  ])("takes %s for encrypted", (MONGO_URL) =>
    expect(faultsOf({ ...cluster, MONGO_URL })).toEqual([]),
  );

  it("is refused them without a cluster too", () => {
    expect(
      faultsOf({ ...embedded, MONGO_URL: "mongodb://u:p@db.example/?tls=false" }),
    ).toHaveLength(3);
    expect(
      faultsOf({ ...embedded, MONGO_URL: "mongodb://u:p@db.example/", ALLOW_PLAINTEXT: "1" }),
    ).toEqual([]);
  });

  it.each([
    { AMQP_URL: "amqp://user:sec/ret@rabbit" },
    { AMQP_URL: "rabbit user:secret@rabbit" },
    { MONGO_URL: "mongodb://user:sec@ret@db" },
    { MONGO_URL: "mongodb://db/?tlsCertificateKeyFilePassword=secret" },
  ])("shows no part of a password when it complains of %j", (wrong) => {
    const faults = faultsOf({ ...cluster, ...wrong });
    expect(faults).not.toEqual([]);
    expect(faults.join()).not.toMatch(/sec|ret@/);
  });

  it("is refused amqp:// that only claims to be encrypted", () => {
    expect(faultsOf({ ...cluster, AMQP_URL: "amqp://souk:secret-3f@rabbit?tls=true" })).toEqual([
      expect.stringMatching(/is not encrypted/),
    ]);
    // Of several, each counts.
    expect(
      faultsOf({ ...cluster, AMQP_URL: "amqps://souk:secret-3f@a;amqp://souk:secret-3f@b" }),
    ).toEqual([expect.stringMatching(/is not encrypted/)]);
  });

  it("is refused RabbitMQ's default user on another host", () => {
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
  ])("is refused a password that is guessed first: %j", (guessed) => {
    expect(faultsOf({ ...cluster, ...guessed })).toEqual([expect.stringMatching(/guessed first/)]);
  });

  it("may use any password on this machine", () => {
    expect(
      faultsOf({
        ...cluster,
        AMQP_URL: "amqp://souk:souk@localhost",
        MONGO_URL: "mongodb://u:password@127.0.0.1",
      }),
    ).toEqual([]);
  });

  it.each(["rabbit", "http://x", "amqp://", "mongodb://x"])(
    "is refused %s as AMQP_URL",
    (AMQP_URL) => {
      expect(faultsOf({ ...cluster, AMQP_URL })).toEqual([
        expect.stringMatching(/^AMQP_URL must be/),
      ]);
    },
  );

  it("is refused a service that does not exist", () => {
    const { AUTH_PRIVATE_JWK: _, ...others } = cluster;
    expect(faultsOf({ ...others, SERVICES: "market,bazaar" })).toEqual([
      expect.stringMatching(/no service bazaar/),
    ]);
  });
});
