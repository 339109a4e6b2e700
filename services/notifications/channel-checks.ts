/** Checks of what users give for their channels, beyond the schemas. Each throws BAD_DATA with the field. */
import { createPublicKey } from "node:crypto";
import { env } from "../../broker/env.ts";
import { badData } from "../../broker/refusal.ts";
import type { QuietHours } from "../../contracts/channels.ts";
import { isAtPushService } from "../../domain/push-services.ts";
import { checkUrl, isLocalUrl } from "../../outgoing/strangers-url.ts";

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

/** As far as the URL's text says. What its host's name resolves to is checked when a request is made. */
export function checkWebhookUrl(url: string): void {
  const fault = checkUrl(url, env.allowLocalTargets);
  if (fault) throw wrong("url", fault);
}

/** Only push services: a browser gets its endpoint from its maker's. */
export function checkPushService(endpoint: string): void {
  if (env.allowLocalTargets && isLocalUrl(endpoint)) return;
  if (checkUrl(endpoint, false) || !isAtPushService(endpoint, env.pushServices))
    throw wrong("endpoint", "is not at a push service that this market knows");
}
