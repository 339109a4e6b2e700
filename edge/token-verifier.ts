import { hash } from "node:crypto";
import { createLocalJWKSet, errors as jose, jwtVerify, type JWK } from "jose";
import Type from "typebox";
import { refusal } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { id } from "../contracts/schema.ts";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../contracts/users.ts";

/** Who a verified access token speaks for, and until when: `exp` in seconds since 1970. */
export interface Verified {
  id: string;
  sid: string;
  exp: number;
}

/** How far the clock of whoever signed may be ahead of ours (s). */
const clockTolerance = 120;
/** Good tokens that are remembered, by their hash, a tenth of their size: a signature costs more than all else in a request. */
const remembered = 10_000;

/** Signed or not: what goes into queries and rooms is an id. */
const faultsOf = checker(
  Type.Object({ sub: id, sid: id, iat: Type.Integer(), exp: Type.Integer() }),
);

/** Checks access tokens by these public keys alone, so that it works while users is away. Throws UNAUTHENTICATED. */
export function verifier(publicKeys: JWK[]): (token: string) => Promise<Verified> {
  const keys = createLocalJWKSet({ keys: publicKeys });
  const good = new Map<string, Verified>();

  return async (token) => {
    // It came in by the network, whatever the type says.
    if (typeof token !== "string") throw refusal("UNAUTHENTICATED", notValid);
    const key = hash("sha256", token, "base64");
    const known = good.get(key);
    if (known && known.exp * 1000 > Date.now()) return known;
    good.delete(key);
    const verified = await verify(token, keys);
    good.set(key, verified);
    if (good.size > remembered) good.delete(good.keys().next().value!);
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
      error instanceof jose.JWTExpired ? "The token has expired" : notValid,
    );
  });
  const { sub, sid, iat, exp } = payload as { sub: string; sid: string; iat: number; exp: number };
  // Whatever our key signed: no token is good for longer than it should be.
  const isTooLong = () =>
    exp - iat > accessTokenSeconds || exp > Date.now() / 1000 + accessTokenSeconds + clockTolerance;
  if (!protectedHeader.kid || faultsOf(payload).length > 0 || isTooLong())
    throw refusal("UNAUTHENTICATED", notValid);
  return { id: sub, sid, exp };
}

const notValid = "The token is not valid";
