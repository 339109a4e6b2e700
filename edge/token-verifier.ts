import { hash } from "node:crypto";
import type { JWK } from "jose";
import { createLocalJWKSet } from "jose/jwks/local";
import { jwtVerify } from "jose/jwt/verify";
import Type from "typebox";
import { refusal } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { id } from "../contracts/schema.ts";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../contracts/users.ts";
import { uptime } from "./uptime.ts";

/** The user and session of a verified access token. `endsAt` is its expiry by `uptime()` (ms): a clock that jumps ends no session. */
export interface Verified {
  id: string;
  sid: string;
  endsAt: number;
}

/** The clock of the service that signs the tokens, as far as this node knows it. */
interface IssuerClock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** How far the signer's clock may be ahead of what we know of it (s). */
const clockTolerance = 120;
/** Verified tokens in the cache, by hash. Verifying a signature is the most expensive step of a request. */
const cacheSize = 10_000;

/** A signature does not make the claims valid: ids go into queries and room names. */
const checkClaims = checker(
  Type.Object({ sub: id, sid: id, iat: Type.Integer(), exp: Type.Integer() }),
);

/**
 * Verifies access tokens with public keys only, so it works while the users service is unavailable. The
 * function throws UNAUTHENTICATED. It judges the time of a token by the issuer's clock: when the token seems to be expired, or made in the
 * future, `readClock` reads that clock again first. It never rejects.
 */
export function verifier(
  publicKeys: JWK[],
  clock: IssuerClock,
): (token: string, readClock?: () => Promise<void>) => Promise<Verified> {
  const keys = createLocalJWKSet({ keys: publicKeys });
  const cache = new Map<string, Verified>();

  return async (token, readClock = async () => {}) => {
    // The token comes from the network, whatever its type says.
    if (typeof token !== "string") throw refusal("UNAUTHENTICATED", notValid);
    const key = hash("sha256", token, "base64");
    const cached = cache.get(key);
    if (cached && cached.endsAt > uptime()) return cached;
    cache.delete(key);
    if (!isCanonical(token)) throw refusal("UNAUTHENTICATED", notValid);
    const { exp, ...subject } = await verify(token, keys);
    const remainingMs = () => exp * 1000 - clock.now();
    if (remainingMs() <= 0 || remainingMs() > longestMs) await readClock();
    if (remainingMs() <= 0) throw refusal("UNAUTHENTICATED", "The token has expired.");
    if (remainingMs() > longestMs) throw refusal("UNAUTHENTICATED", notValid);
    const verified = { ...subject, endsAt: uptime() + remainingMs() };
    cache.set(key, verified);
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value!);
    return verified;
  };
}

/** Checks everything but the time. */
async function verify(token: string, keys: ReturnType<typeof createLocalJWKSet>) {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience,
    algorithms: ["EdDSA"],
    typ: accessTokenType,
    // At this time no token has expired.
    currentDate: new Date(0),
  }).catch(() => {
    throw refusal("UNAUTHENTICATED", notValid);
  });
  const { sub, sid, iat, exp } = payload as { sub: string; sid: string; iat: number; exp: number };
  // No token lives longer than the contract allows, even if our key signed it.
  const livesTooLong = () => exp - iat > accessTokenSeconds;
  if (!protectedHeader.kid || checkClaims(payload).length > 0 || livesTooLong())
    throw refusal("UNAUTHENTICATED", notValid);
  return { id: sub, sid, exp };
}

/** Base64url permits several last characters for the same bytes of the signature. A token has one form. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  return Buffer.from(signature, "base64url").toString("base64url") === signature;
}

/** Whether the verifier refused a token that no key of ours has signed, or that we would never sign. Not one that has expired. */
export const isForgery = (error: unknown) => (error as Error).message === notValid;

/** Of a valid token (ms). */
const longestMs = (accessTokenSeconds + clockTolerance) * 1000;

const notValid = "The token is not valid.";
