/** The keys of access tokens: made, read from the environment, or kept in a file, there with the key of web push. */
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JWK } from "jose";
import { syncPath } from "./folder.ts";
import { isEd25519, isForgeable, isGuessable, isKeyBytes, isPair } from "./jwk.ts";
import { isPushKey, newPushKey } from "./push-keys.ts";

export interface Keys {
  /** Check access tokens. */
  public: JWK[];
  /** Signs access tokens. Only users has it. */
  private: JWK | undefined;
  /** The password of the sample accounts. Made with the first keys of an embedded market. */
  samplePassword: string | undefined;
  /** The private key of web push, of keys that are kept in a file (broker/push-keys.ts). */
  push?: JWK | undefined;
  /** This process made them. */
  areNew?: boolean;
}

type Source = Record<string, string | undefined>;

export const noKeys: Keys = { public: [], private: undefined, samplePassword: undefined };

/** Makes an Ed25519 pair (RFC 8037). Its random `kid` permits key rotation. */
export function newKeyPair(): { public: JWK; private: JWK } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { d, ...half } = privateKey.export({ format: "jwk" }) as JWK;
  const shown = { ...half, kid: randomUUID(), alg: "EdDSA", use: "sig" } as JWK;
  return { public: shown, private: { ...shown, d } as JWK };
}

/** Base64url of the JSON, for an env file: no shell and no compose file has to quote it. */
export const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The services that check access tokens, or send secrets to users; users also issues tokens. */
const tokenCheckers = ["api", "notifications", "users", "deliveries"];

/** The keys of a cluster node. AUTH_JWKS is for services that check tokens, AUTH_PRIVATE_JWK for users. */
export function keysFromEnv(source: Source, services: readonly string[], faults: string[]): Keys {
  const checksTokens = services.some((name) => tokenCheckers.includes(name));
  const publicKeys = checksTokens ? readPublicKeys(source, faults) : [];
  if (services.includes("users"))
    return { ...noKeys, public: publicKeys, private: readPrivateKey(source, publicKeys, faults) };
  if (source.AUTH_PRIVATE_JWK && services.length > 0)
    faults.push(
      "AUTH_PRIVATE_JWK is set on a node that does not host users. Only users may have it.",
    );
  return { ...noKeys, public: publicKeys };
}

function readPublicKeys(source: Source, faults: string[]): JWK[] {
  const set = decode(source, "AUTH_JWKS", faults) as { keys?: JWK[] } | undefined;
  if (!set) return [];
  const fault = publicKeysFault(set.keys);
  if (fault) faults.push(fault);
  return fault ? [] : set.keys!;
}

function publicKeysFault(keys: JWK[] | undefined): string | undefined {
  const isSet = Array.isArray(keys) && keys.length > 0;
  if (!isSet || !keys.every((key) => isEd25519(key) && !key.d))
    return "AUTH_JWKS must be a JWK set of public Ed25519 keys, each with a kid. `npm run keys` prints one.";
  if (keys.some(isForgeable))
    return "AUTH_JWKS has a weak key, for which anyone can forge signatures. `npm run keys` prints a new one.";
  return new Set(keys.map(({ kid }) => kid)).size < keys.length
    ? "AUTH_JWKS has two keys with the same kid. The tokens of neither could be checked."
    : undefined;
}

function readPrivateKey(source: Source, publicKeys: JWK[], faults: string[]): JWK | undefined {
  const key = decode(source, "AUTH_PRIVATE_JWK", faults) as JWK | undefined;
  if (!key) return undefined;
  const fault = privateKeyFault(key, publicKeys);
  if (fault) faults.push(fault);
  return fault ? undefined : key;
}

function privateKeyFault(key: JWK, publicKeys: JWK[]): string | undefined {
  if (!(isEd25519(key) && isKeyBytes(key.d)))
    return "AUTH_PRIVATE_JWK must be a private Ed25519 JWK with a kid. `npm run keys` prints one.";
  if (!isPair(key))
    return "AUTH_PRIVATE_JWK is not a key pair: its x does not belong to its d. No token that it signs could be checked.";
  if (isGuessable(key.d!))
    return "AUTH_PRIVATE_JWK is not random. `npm run keys` prints a random one.";
  const isKnown = publicKeys.some(({ kid, x }) => kid === key.kid && x === key.x);
  return publicKeys.length > 0 && !isKnown
    ? "AUTH_PRIVATE_JWK has no public key in AUTH_JWKS. No token that it signs could be checked."
    : undefined;
}

/** Where accounts are: this version's file, and those of version 0.1.0 (store/former/). */
const accountFiles = ["users.sqlite", "accounts.db", "accounts.db~"];

/** The keys of an embedded market, kept in its data folder. Made on first start, readable only by their owner. */
export function keysFromFile(dataDir: string, faults: string[]): Keys {
  const file = join(dataDir, "keys.json");
  try {
    return withPushKey(file, parseKeys(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return writeNewKeys(file, !accountFiles.some((name) => existsSync(join(dataDir, name))));
    faults.push(
      `${file} cannot be read (${(error as Error).message}). Repair it, or remove it to sign out all users.`,
    );
    return noKeys;
  }
}

function parseKeys(text: string): Keys {
  const keys = JSON.parse(text) as Partial<Keys> | null;
  const hasPublic = keys?.public?.length && keys.public.every(isEd25519);
  if (!hasPublic || !keys.private || !isEd25519(keys.private) || !isPair(keys.private))
    throw new Error("it has no key pair");
  const { public: shown, private: hidden, samplePassword, push } = keys;
  if (push && !isPushKey(push)) throw new Error("its key of web push is not one");
  return { public: shown!, private: hidden, samplePassword, push };
}

/** A file of version 0.1.0 has no key of web push. It gets one. */
function withPushKey(file: string, keys: Keys): Keys {
  if (keys.push) return keys;
  renameSync(writeBeside(file, { ...keys, push: newPushKey() }), file);
  syncPath(dirname(file));
  return parseKeys(readFileSync(file, "utf8"));
}

/** Writes the keys to a new file in the same folder and returns its path. */
function writeBeside(file: string, keys: Keys): string {
  const own = `${file}.${randomUUID()}`;
  writeFileSync(own, JSON.stringify(keys, null, 2), { mode: 0o600, flush: true });
  return own;
}

/** Sample accounts are made only in an empty market, so only its first keys come with a password for them. */
function writeNewKeys(file: string, isFirst: boolean): Keys {
  const pair = newKeyPair();
  const samplePassword = isFirst ? `${randomBytes(6).toString("base64url")}-souk` : undefined;
  const keys: Keys = {
    ...{ public: [pair.public], private: pair.private, samplePassword },
    push: newPushKey(),
  };
  const own = writeBeside(file, keys);
  try {
    // A link is atomic: a crash leaves no half-written file, and of two processes that start together one makes the keys.
    linkSync(own, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return parseKeys(readFileSync(file, "utf8"));
  } finally {
    rmSync(own);
  }
  syncPath(dirname(file));
  return { ...keys, areNew: true };
}

/** A variable that holds JSON, plain or in base64url. */
function decode(source: Source, name: string, faults: string[]): unknown {
  const value = source[name];
  if (!value) return void faults.push(`${name} is missing. \`npm run keys\` prints one.`);
  const isPlain = value.trimStart().startsWith("{");
  try {
    return JSON.parse(isPlain ? value : Buffer.from(value, "base64url").toString());
  } catch {
    return void faults.push(
      `${name} is neither JSON nor base64url of JSON. \`npm run keys\` prints one.`,
    );
  }
}
