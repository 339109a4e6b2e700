import { createHash, randomBytes } from "node:crypto";
import { importJWK, SignJWT, type JWK } from "jose";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../../contracts/users.ts";
import { parseRefreshToken, refreshToken, type Hashes } from "../../domain/sessions.ts";

/** Signs access tokens with the private key that users alone holds. */
export function accessTokens(privateKey: JWK) {
  const key = importJWK(privateKey, "EdDSA");
  return async (userId: string, sid: string): Promise<string> =>
    new SignJWT({ sid })
      .setProtectedHeader({ alg: "EdDSA", kid: privateKey.kid ?? "", typ: accessTokenType })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${accessTokenSeconds}s`)
      .sign(await key);
}

/** A new refresh token of a session, of the same family unless none is given, and the hashes to store: the token itself is kept nowhere. */
export function newRefreshToken(userId: string, sid: string, family = secret()): { value: string; hashes: Hashes } {
  const token = secret();
  return { value: refreshToken(userId, sid, family, token), hashes: { family: digest(family), token: digest(token) } };
}

export function readRefreshToken(value: string) {
  const { userId, sid, family, token } = parseRefreshToken(value);
  return { userId, sid, family, hashes: { family: digest(family), token: digest(token) } };
}

const secret = () => randomBytes(24).toString("base64url");
/** The secrets are random and long: a plain hash is enough. */
const digest = (value: string) => createHash("sha256").update(value).digest("base64url");
