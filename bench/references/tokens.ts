/** Token verification with jose. Each signature is verified once: valid tokens are cached until they expire. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import { accessTokenType as typ, audience, issuer } from "../../contracts/users.ts";

const maxCached = 10_000;

/** `jwks` is the JSON of a key set in base64url. The result maps an authorization header to its user id; undefined: not a valid token. */
export function tokenVerifier(
  jwks: string,
): (authorization: string | undefined) => Promise<string | undefined> {
  const keys = createLocalJWKSet(
    JSON.parse(Buffer.from(jwks, "base64url").toString()) as JSONWebKeySet,
  );
  const cache = new Map<string, { userId: string; expiresAt: number }>();
  return async (authorization = "") => {
    const token = authorization.replace(/^Bearer /, "");
    const cached = cache.get(token);
    if (cached && cached.expiresAt > Date.now()) return cached.userId;
    cache.delete(token);
    const verified = await jwtVerify(token, keys, {
      issuer,
      audience,
      typ,
      algorithms: ["EdDSA"],
    }).catch(() => undefined);
    const { sub: userId, exp } = verified?.payload ?? {};
    if (!userId || !exp) return undefined;
    cache.set(token, { userId, expiresAt: exp * 1000 });
    if (cache.size > maxCached) cache.delete(cache.keys().next().value!);
    return userId;
  };
}
