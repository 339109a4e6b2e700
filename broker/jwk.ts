/** Checks of Ed25519 keys in JWK form (RFC 8037). */
import { createPrivateKey, createPublicKey, verify } from "node:crypto";
import type { JsonWebKey } from "node:crypto";
import type { JWK } from "jose";

/** Whether this is a well-formed Ed25519 key for signatures, with a `kid`. It may have a private half. */
export const isEd25519 = (key: JWK): boolean =>
  key?.kty === "OKP" &&
  key.crv === "Ed25519" &&
  isKeyBytes(key.x) &&
  typeof key.kid === "string" &&
  key.kid !== "" &&
  ["EdDSA", undefined].includes(key.alg) &&
  ["sig", undefined].includes(key.use);

/** Whether this is 32 bytes in canonical base64url. */
export function isKeyBytes(text: unknown): boolean {
  const bytes = Buffer.from(typeof text === "string" ? text : "", "base64url");
  return bytes.length === 32 && bytes.toString("base64url") === text;
}

/** Whether `x` is the public half of `d`. Node derives the public half from `d` and ignores `x`. */
export function isPair({ kty, crv, x, d }: JWK): boolean {
  const privateKey = createPrivateKey({ key: { kty, crv, x, d } as JsonWebKey, format: "jwk" });
  return createPublicKey(privateKey).export({ format: "jwk" }).x === x;
}

/** Whether a private key is not random: 32 random bytes have at least 16 different values. */
export const isGuessable = (d: string): boolean => new Set(Buffer.from(d, "base64url")).size < 16;

/**
 * Whether anyone can forge signatures for this public key. A point of small order (for example, all zeros) accepts
 * the empty signature for at least every eighth message; a proper key accepts it for none.
 */
export function isForgeable({ kty, crv, x }: JWK): boolean {
  const key = createPublicKey({ key: { kty, crv, x } as JsonWebKey, format: "jwk" });
  const empty = Buffer.alloc(64);
  empty[0] = 1;
  return Array.from({ length: 200 }, (_, n) => Buffer.from(`${n}`)).some((message) =>
    verify(null, message, key, empty),
  );
}
