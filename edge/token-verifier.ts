import { hash } from "node:crypto";
import type { JWK } from "jose";
import { JWTExpired } from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import { jwtVerify } from "jose/jwt/verify";
import Type from "typebox";
import { refusal } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { id } from "../contracts/schema.ts";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../contracts/users.ts";

/** The user and session of a verified access token. `exp` is its expiry (s since 1970). */
export interface Verified {
  id: string;
  sid: string;
  exp: number;
}

/** How far the signer's clock may be ahead of ours (s). */
const clockTolerance = 120;
/** Verified tokens in the cache, by hash. Verifying a signature is the most expensive step of a request. */
const cacheSize = 10_000;

/** A signature does not make the claims valid: ids go into queries and room names. */
const checkClaims = checker(
  Type.Object({ sub: id, sid: id, iat: Type.Integer(), exp: Type.Integer() }),
);

/**
 * Verifies access tokens with public keys only, so it works while the users service is unavailable. The
 * function throws UNAUTHENTICATED.
 */
export function verifier(publicKeys: JWK[]): (token: string) => Promise<Verified> {
  const keys = createLocalJWKSet({ keys: publicKeys });
  const cache = new Map<string, Verified>();

  return async (token) => {
    // The token comes from the network, whatever its type says.
    if (typeof token !== "string") throw refusal("UNAUTHENTICATED", notValid);
    const key = hash("sha256", token, "base64");
    const cached = cache.get(key);
    if (cached && cached.exp * 1000 > Date.now()) return cached;
    cache.delete(key);
    const verified = await verify(token, keys);
    cache.set(key, verified);
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value!);
    return verified;
  };
}

async function verify(
  token: string,
  keys: ReturnType<typeof createLocalJWKSet>,
): Promise<Verified> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience,
    algorithms: ["EdDSA"],
    typ: accessTokenType,
  }).catch((error: unknown) => {
    throw refusal(
      "UNAUTHENTICATED",
      error instanceof JWTExpired ? "The token has expired." : notValid,
    );
  });
  const { sub, sid, iat, exp } = payload as { sub: string; sid: string; iat: number; exp: number };
  // No token lives longer than the contract allows, even if our key signed it.
  const livesTooLong = () =>
    exp - iat > accessTokenSeconds || exp > Date.now() / 1000 + accessTokenSeconds + clockTolerance;
  if (!protectedHeader.kid || checkClaims(payload).length > 0 || livesTooLong())
    throw refusal("UNAUTHENTICATED", notValid);
  return { id: sub, sid, exp };
}

const notValid = "The token is not valid.";
