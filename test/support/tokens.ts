import { randomUUID } from "node:crypto";
import { importJWK, SignJWT, type JWK } from "jose";
import { accessTokenSeconds, accessTokenType, audience, issuer } from "../../contracts/users.ts";

interface Claims {
  sid?: string;
  /** Seconds from now. */
  lives?: number;
  issuer?: string;
  audience?: string;
}

/** An access token like those of the users service. Of a new session, unless the options name one. */
export async function tokenOf(key: JWK, userId: string, claims: Claims = {}): Promise<string> {
  const now = Date.now() / 1000;
  return new SignJWT({ sid: claims.sid ?? randomUUID() })
    .setProtectedHeader({ alg: "EdDSA", kid: key.kid!, typ: accessTokenType })
    .setSubject(userId)
    .setIssuer(claims.issuer ?? issuer)
    .setAudience(claims.audience ?? audience)
    .setIssuedAt(Math.floor(now))
    .setExpirationTime(Math.floor(now + (claims.lives ?? accessTokenSeconds)))
    .sign(await importJWK(key, "EdDSA"));
}
