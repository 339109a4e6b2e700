/** A browser's side of web push: its keys, and the decryption of a message after RFC 8291 and RFC 8188. */
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";

/** A subscription as a browser registers it, with its private half. */
export function newReceiver() {
  const pair = createECDH("prime256v1");
  pair.generateKeys();
  const auth = randomBytes(16);
  const keys = { p256dh: pair.getPublicKey("base64url"), auth: auth.toString("base64url") };

  /** Returns the text of a message; throws when it was not encrypted for this receiver. */
  function decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const end = 21 + body[20]!;
    const senderKey = body.subarray(21, end);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), pair.getPublicKey(), senderKey]);
    const secret = Buffer.from(hkdfSync("sha256", pair.computeSecret(senderKey), auth, info, 32));
    const derive = (name: string, length: number) =>
      Buffer.from(hkdfSync("sha256", secret, salt, `Content-Encoding: ${name}\0`, length));
    const decipher = createDecipheriv("aes-128-gcm", derive("aes128gcm", 16), derive("nonce", 12));
    decipher.setAuthTag(body.subarray(-16));
    const padded = Buffer.concat([decipher.update(body.subarray(end, -16)), decipher.final()]);
    // The last record ends with a 2 and zeros.
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
  return { keys, decrypt };
}
