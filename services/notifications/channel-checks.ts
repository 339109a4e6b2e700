/** Checks of what users give for their channels, beyond the schemas. Each throws BAD_DATA with the field. */
import { createPublicKey } from "node:crypto";
import { badData } from "../../broker/refusal.ts";
import type { QuietHours } from "../../contracts/channels.ts";

const wrong = (field: string, message: string) => badData([{ field, message }]);

export function checkQuietHours({ from, to, timeZone }: QuietHours): void {
  if (from === to) throw wrong("quietHours.to", "must differ from the beginning");
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw wrong("quietHours.timeZone", "is not a time zone of IANA's database");
  }
}

/** The keys without padding. Any 65 bytes are not a key: the point must be on the curve P-256. */
export function checkKeys(keys: { p256dh: string; auth: string }) {
  const [p256dh, auth] = [keys.p256dh, keys.auth].map((key) => key.replaceAll("=", "")) as [
    string,
    string,
  ];
  const point = Buffer.from(p256dh, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((it) => it.toString("base64url"));
  try {
    if (point[0] !== 4) throw new Error("The point is compressed.");
    createPublicKey({ key: { kty: "EC", crv: "P-256", x: x!, y: y! }, format: "jwk" });
  } catch {
    throw wrong("keys.p256dh", "is not a public key");
  }
  return { p256dh, auth };
}

export const checkWebhookUrl = (url: string) => checkUrl("url", url);

export function checkPushService(endpoint: string): void {
  checkUrl("endpoint", endpoint);
}

function checkUrl(field: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:") throw wrong(field, "must begin with https://");
  if (url.username !== "" || url.password !== "")
    throw wrong(field, "must not contain a user or a password");
}
