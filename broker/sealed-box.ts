/**
 * Encryption for the holder of a signing key (docs/decisions/022): X25519, HKDF-SHA256 and AES-256-GCM, with the
 * X25519 form of the Ed25519 key.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import type { JWK } from "jose";

/** A message for the holders of several keys: one ciphertext per key id. All texts are base64url. */
export interface Sealed {
  /** The sender's public key, made for this message. */
  from: string;
  boxes: Record<string, string>;
}

/** Encrypts and decrypts the messages of one exchange. `context` is authenticated and must be the same on both sides. */
interface Channel {
  encrypt(text: string, context: string): string;
  /** Throws when the text was not encrypted with this key and context. */
  decrypt(box: string, context: string): string;
}

/** The two directions of an exchange: the request and its answer have different keys. */
export interface Exchange {
  request: Channel;
  answer: Channel;
}

const p = 2n ** 255n - 19n;
const mod = (n: bigint) => ((n % p) + p) % p;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = mod(b * b))
    if (e & 1n) result = mod(result * b);
  return result;
}

/** The X25519 form of an Ed25519 public key: u = (1 + y) / (1 - y), RFC 7748 4.1. */
function montgomery(x: string): string {
  const bytes = Buffer.from(x, "base64url").reverse();
  bytes[0]! &= 0x7f; // the sign of the other coordinate
  const y = BigInt(`0x${bytes.toString("hex")}`);
  const u = mod((1n + y) * power(mod(1n - y), p - 2n));
  return Buffer.from(u.toString(16).padStart(64, "0"), "hex").reverse().toString("base64url");
}

const x25519 = (x: string, d?: string) => ({ kty: "OKP", crv: "X25519", x, ...(d && { d }) });
const publicKeyOf = (x: string) => createPublicKey({ key: x25519(x), format: "jwk" });

function channel(secret: KeyObject | Buffer, salt: Buffer, direction: string): Channel {
  const info = `souk ${direction} 1`;
  const key = Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
  return {
    encrypt(text, context) {
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64url");
    },
    decrypt(box, context) {
      const bytes = Buffer.from(box, "base64url");
      const [iv, tag] = [bytes.subarray(0, 12), bytes.subarray(12, 28)];
      const options = { authTagLength: 16 };
      const decipher = createDecipheriv("aes-256-gcm", key, iv, options).setAAD(
        Buffer.from(context),
      );
      decipher.setAuthTag(tag);
      return decipher.update(bytes.subarray(28), undefined, "utf8") + decipher.final("utf8");
    },
  };
}

function exchange(privateKey: KeyObject, peer: string, from: string, to: string): Exchange {
  const secret = diffieHellman({ privateKey, publicKey: publicKeyOf(peer) });
  const salt = Buffer.from(`${from}.${to}`);
  return {
    request: channel(secret, salt, "request"),
    answer: channel(secret, salt, "answer"),
  };
}

/** Encrypts for the holder of any of these Ed25519 public keys. */
export const sealer = (publicKeys: readonly JWK[]) =>
  sealerTo(publicKeys.map(({ kid, x }) => ({ kid: kid!, to: montgomery(x!) })));

/** Encrypts for the holder of any of these X25519 public keys. */
export function sealerTo(receivers: readonly { kid: string; to: string }[]) {
  /** Returns the message, and what decrypts the answer of the receiver with this key id. */
  return (text: string, context: string) => {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    const from = publicKey.export({ format: "jwk" }).x!;
    const exchanges = new Map(
      receivers.map(({ kid, to }) => [kid, exchange(privateKey, to, from, to)]),
    );
    const boxes = Object.fromEntries(
      [...exchanges].map(([kid, { request }]) => [kid, request.encrypt(text, context)]),
    );
    return {
      sealed: { from, boxes } satisfies Sealed,
      answerOf: (kid: string) => exchanges.get(kid)?.answer,
    };
  };
}

/** Opens what was sealed for this Ed25519 private key. Its X25519 form is the scalar that Ed25519 itself uses, RFC 8032 5.1.5. */
export function opener({ kid, x, d }: JWK) {
  const scalar = createHash("sha512").update(Buffer.from(d!, "base64url")).digest().subarray(0, 32);
  const to = montgomery(x!);
  const key = x25519(to, scalar.toString("base64url"));
  return openerWith(kid!, to, createPrivateKey({ key, format: "jwk" }));
}

/** A new X25519 key: the public part, and what opens messages that are sealed for it. */
export function newReceiver() {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  const to = publicKey.export({ format: "jwk" }).x!;
  return { to, open: openerWith(to, to, privateKey) };
}

function openerWith(kid: string, to: string, privateKey: KeyObject) {
  /** Null when the message is for other keys. Throws when it was changed, or belongs to another context. */
  return ({ from, boxes }: Sealed, context: string) => {
    const box = boxes[kid];
    if (typeof box !== "string") return null;
    const { request, answer } = exchange(privateKey, from, from, to);
    return { kid, text: request.decrypt(box, context), answer };
  };
}
