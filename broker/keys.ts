import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  verify,
} from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";

/** What access tokens are checked with, and, for users alone, what they are signed with. */
export interface Keys {
  public: JWK[];
  private: JWK | undefined;
  /** The password of the sample accounts: made with the first keys of an embedded market. */
  samplePassword: string | undefined;
}

/** A new Ed25519 pair (RFC 8037), named by `kid` so that keys can be rotated. */
export function newKeyPair(): { public: JWK; private: JWK } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { kty, crv, x, d } = privateKey.export({ format: "jwk" }) as {
    kty: string;
    crv: string;
    x: string;
    d: string;
  };
  const shown = { kty, crv, x, kid: randomUUID(), alg: "EdDSA", use: "sig" };
  return { public: shown, private: { ...shown, d } };
}

/** For an env file: base64url of the JSON, so that no shell and no compose file has to quote it. */
export const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Of a cluster: AUTH_JWKS for those who check tokens, AUTH_PRIVATE_JWK for users. */
export function keysFromEnv(
  source: Record<string, string | undefined>,
  services: readonly string[],
  faults: string[],
): Keys {
  const keys: Keys = { public: [], private: undefined, samplePassword: undefined };
  if (services.some((name) => name !== "market")) {
    const set = decode(source, "AUTH_JWKS", faults) as { keys?: JWK[] } | undefined;
    if (
      set &&
      !(
        Array.isArray(set.keys) &&
        set.keys.length > 0 &&
        set.keys.every((key) => isEd25519(key) && !key.d)
      )
    )
      faults.push(
        "AUTH_JWKS must be a JWK set of public Ed25519 keys, each with a kid: `npm run keys` prints one.",
      );
    else if (set?.keys?.some(isForgeable))
      faults.push(
        "AUTH_JWKS has a key that takes signatures which nobody made: `npm run keys` prints another.",
      );
    else if (new Set(set?.keys?.map(({ kid }) => kid)).size < (set?.keys?.length ?? 0))
      faults.push(
        "AUTH_JWKS has two keys with the same kid: the tokens of neither could be checked.",
      );
    else keys.public = set?.keys ?? [];
  }
  if (services.includes("users")) {
    const key = decode(source, "AUTH_PRIVATE_JWK", faults) as JWK | undefined;
    if (key && !(isEd25519(key) && isBytes(key.d)))
      faults.push(
        "AUTH_PRIVATE_JWK must be a private Ed25519 JWK with a kid: `npm run keys` prints one.",
      );
    else if (key && !isPair(key))
      faults.push(
        "AUTH_PRIVATE_JWK is no pair: its d does not belong to its x, and nobody could check the tokens it signs.",
      );
    else if (key && isGuessable(key.d!))
      faults.push("AUTH_PRIVATE_JWK is not random: `npm run keys` prints one that is.");
    else if (
      key &&
      keys.public.length > 0 &&
      !keys.public.some(({ kid, x }) => kid === key.kid && x === key.x)
    )
      faults.push(
        "AUTH_PRIVATE_JWK has no public half in AUTH_JWKS: nobody could check the tokens it signs.",
      );
    else keys.private = key;
  } else if (source.AUTH_PRIVATE_JWK && services.length > 0) {
    faults.push(
      "AUTH_PRIVATE_JWK is given to a node that does not host users: only users may hold it.",
    );
  }
  return keys;
}

/** Of an embedded market: made on first start and kept beside its data, readable by its owner alone. */
export function keysFromFile(dataDir: string, faults: string[]): Keys {
  const file = join(dataDir, "keys.json");
  try {
    const keys = JSON.parse(readFileSync(file, "utf8")) as Partial<Keys> | null;
    if (
      !keys?.public?.length ||
      !keys.public.every(isEd25519) ||
      !keys.private ||
      !isEd25519(keys.private) ||
      !isPair(keys.private)
    )
      throw new Error("no key pair");
    return { public: keys.public, private: keys.private, samplePassword: keys.samplePassword };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return newKeys(file, !existsSync(join(dataDir, "accounts.db")));
    faults.push(
      `${file} cannot be read (${(error as Error).message}): mend it, or remove it to sign everybody out.`,
    );
    return { public: [], private: undefined, samplePassword: undefined };
  }
}

/** Where there are accounts already, they keep the passwords they have. */
function newKeys(file: string, isFirst: boolean): Keys {
  const pair = newKeyPair();
  const samplePassword = isFirst ? randomBytes(6).toString("base64url") + "-souk" : undefined;
  const keys: Keys = { public: [pair.public], private: pair.private, samplePassword };
  // Renamed into place: a crash leaves no half a file.
  writeFileSync(`${file}.new`, JSON.stringify(keys, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return keys;
}

function decode(
  source: Record<string, string | undefined>,
  name: string,
  faults: string[],
): unknown {
  const value = source[name];
  if (!value) return void faults.push(`${name} is missing: \`npm run keys\` prints one.`);
  try {
    return JSON.parse(
      value.trimStart().startsWith("{") ? value : Buffer.from(value, "base64url").toString(),
    );
  } catch {
    return void faults.push(
      `${name} is neither JSON nor base64url of JSON: \`npm run keys\` prints one.`,
    );
  }
}

const isEd25519 = (key: JWK) =>
  key?.kty === "OKP" &&
  key.crv === "Ed25519" &&
  isBytes(key.x) &&
  typeof key.kid === "string" &&
  key.kid !== "" &&
  ["EdDSA", undefined].includes(key.alg) &&
  ["sig", undefined].includes(key.use);

/** 32 of them, in base64url and in no other way to write it. */
function isBytes(text: unknown): boolean {
  const bytes = Buffer.from(typeof text === "string" ? text : "", "base64url");
  return bytes.length === 32 && bytes.toString("base64url") === text;
}

/** Node derives the public half from `d`, whatever `x` says. */
function isPair({ kty, crv, x, d }: JWK): boolean {
  const derived = createPublicKey(
    createPrivateKey({ key: { kty, crv, x, d } as never, format: "jwk" }),
  );
  return derived.export({ format: "jwk" }).x === x;
}

/** Of 32 random bytes, fewer than 16 different ones do not come. */
const isGuessable = (d: string) => new Set(Buffer.from(d, "base64url")).size < 16;

/**
 * A point of small order as a public key (all zeros, for one) takes the empty signature for every eighth message or more often. A real
 * key takes it for none.
 */
function isForgeable({ kty, crv, x }: JWK): boolean {
  const key = createPublicKey({ key: { kty, crv, x } as never, format: "jwk" });
  const empty = Buffer.alloc(64);
  empty[0] = 1;
  return Array.from({ length: 200 }, (_, n) => Buffer.from(`${n}`)).some((message) =>
    verify(null, message, key, empty),
  );
}
