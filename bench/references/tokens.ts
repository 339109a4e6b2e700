/** Who a token speaks for, as one would write it with jose: a signature is checked once, and good tokens are remembered until they expire. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from "jose";
import { accessTokenType as typ, audience, issuer } from "../../contracts/users.ts";

const mostRemembered = 10_000;

/** `jwks` is the base64url of a key set's JSON. Gives undefined for what is no good token. */
export function tokens(
  jwks: string,
): (authorization: string | undefined) => Promise<string | undefined> {
  const keys = createLocalJWKSet(
    JSON.parse(Buffer.from(jwks, "base64url").toString()) as JSONWebKeySet,
  );
  const good = new Map<string, { userId: string; until: number }>();
  return async (authorization = "") => {
    const token = authorization.replace(/^Bearer /, "");
    const known = good.get(token);
    if (known && known.until > Date.now()) return known.userId;
    good.delete(token);
    const verified = await jwtVerify(token, keys, {
      issuer,
      audience,
      typ,
      algorithms: ["EdDSA"],
    }).catch(() => undefined);
    const { sub: userId, exp } = verified?.payload ?? {};
    if (!userId || !exp) return undefined;
    good.set(token, { userId, until: exp * 1000 });
    if (good.size > mostRemembered) good.delete(good.keys().next().value!);
    return userId;
  };
}
