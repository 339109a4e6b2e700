/** The key pair of web push (VAPID, RFC 8292): push services accept a message only from the market that a browser subscribed to. */
import { createECDH, generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { isKeyBytes } from "./jwk.ts";

export interface PushKeys {
  /** The uncompressed P-256 point in base64url, as browsers take it: `applicationServerKey`. Undefined: web push is off. */
  public: string | undefined;
  /** Signs messages to push services. Only deliveries has it. */
  private: JWK | undefined;
}

type Source = Record<string, string | undefined>;

export const noPushKeys: PushKeys = { public: undefined, private: undefined };

/** Makes a P-256 pair as a private JWK. */
export function newPushKey(): JWK {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "jwk" }) as JWK;
}

/** Both halves of a private key. */
export const pushKeysOf = (key: JWK): PushKeys => ({ public: publicPushKey(key), private: key });

export const publicPushKey = ({ x, y }: JWK): string =>
  Buffer.concat([
    Buffer.of(4),
    Buffer.from(x!, "base64url"),
    Buffer.from(y!, "base64url"),
  ]).toString("base64url");

/** Whether this is a private P-256 key, and its public half belongs to it. */
export function isPushKey(key: JWK | undefined): key is JWK {
  if (key?.kty !== "EC" || key.crv !== "P-256") return false;
  if (![key.x, key.y, key.d].every(isKeyBytes)) return false;
  const pair = createECDH("prime256v1");
  try {
    pair.setPrivateKey(key.d!, "base64url");
  } catch {
    return false;
  }
  return pair.getPublicKey("base64url") === publicPushKey(key);
}

/** Whether this is a point of P-256 in base64url. */
export function isPublicPushKey(text: string): boolean {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== 65 || bytes[0] !== 4 || bytes.toString("base64url") !== text) return false;
  const own = createECDH("prime256v1");
  own.generateKeys();
  try {
    // It fails for a point that is not on the curve.
    own.computeSecret(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * The keys of a node: PUSH_PRIVATE_JWK is for deliveries, PUSH_PUBLIC_KEY for api. A node with the private key derives the public one.
 * Without them, web push is off.
 */
export function pushKeysFromEnv(
  source: Source,
  services: readonly string[],
  faults: string[],
): PushKeys {
  const { PUSH_PRIVATE_JWK: secret, PUSH_PUBLIC_KEY: shown } = source;
  if (secret && services.length > 0 && !services.includes("deliveries"))
    faults.push(
      "PUSH_PRIVATE_JWK is set on a node that does not host deliveries. Only deliveries may have it.",
    );
  if (shown && !isPublicPushKey(shown))
    faults.push(
      "PUSH_PUBLIC_KEY must be a public P-256 key in base64url. `npm run keys` prints one.",
    );
  if (!secret) return { ...noPushKeys, public: shown || undefined };
  const key = decode(secret);
  if (!isPushKey(key)) {
    faults.push("PUSH_PRIVATE_JWK must be a private P-256 JWK. `npm run keys` prints one.");
    return noPushKeys;
  }
  if (shown && shown !== publicPushKey(key))
    faults.push("PUSH_PUBLIC_KEY does not belong to PUSH_PRIVATE_JWK.");
  return pushKeysOf(key);
}

/** JSON, plain or in base64url; undefined when it is neither. */
function decode(value: string): JWK | undefined {
  try {
    const isPlain = value.trimStart().startsWith("{");
    return JSON.parse(isPlain ? value : Buffer.from(value, "base64url").toString()) as JWK;
  } catch {
    return undefined;
  }
}
