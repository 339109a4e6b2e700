import { createHash, createHmac, randomBytes } from "node:crypto";
import type { JWK } from "jose";
import { SignJWT } from "jose/jwt/sign";
import { importJWK } from "jose/key/import";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../../contracts/users.ts";
import { parseRefreshToken, refreshToken } from "../../domain/sessions.ts";

/** Signs access tokens with the private key, which only the users service holds. */
export function accessTokens(privateKey: JWK) {
  const key = importJWK(privateKey, "EdDSA");
  return async (userId: string, sid: string, now: Date): Promise<string> =>
    new SignJWT({ sid })
      .setProtectedHeader({ alg: "EdDSA", kid: privateKey.kid ?? "", typ: accessTokenType })
      .setSubject(userId)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(new Date(now.getTime() + accessTokenSeconds * 1000))
      .sign(await key);
}

/** The first refresh token of a session. */
export const newRefreshToken = (userId: string, sid: string) =>
  refreshTokenOf(userId, sid, secret(), secret());

/** The token that follows this one. It is derived from the token and the key, so the same key gives the same token. */
export function nextRefreshToken(
  { userId, sid, family, token }: RefreshToken,
  key = secret(),
): RefreshToken {
  return refreshTokenOf(
    userId,
    sid,
    family,
    createHmac("sha256", token).update(key).digest("base64url"),
  );
}

export function readRefreshToken(value: string): RefreshToken {
  const { userId, sid, family, token } = parseRefreshToken(value);
  return refreshTokenOf(userId, sid, family, token);
}

const refreshTokenOf = (userId: string, sid: string, family: string, token: string) => ({
  userId,
  sid,
  family,
  token,
  value: refreshToken(userId, sid, family, token),
  /** The stored form: a hash. The token itself is not stored. */
  hashes: { family: digest(family), token: digest(token) },
});
export type RefreshToken = ReturnType<typeof refreshTokenOf>;

const secret = () => randomBytes(24).toString("base64url");
/** The secrets are random and long, so a plain hash is enough. */
const digest = (value: string) => createHash("sha256").update(value).digest("base64url");
