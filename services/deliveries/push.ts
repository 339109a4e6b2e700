import { createHash } from "node:crypto";
import { buildPushPayload } from "@block65/webcrypto-web-push";
import type { PushKeys } from "../../broker/push-keys.ts";
import type { Notification } from "../../contracts/notifications.ts";
import { isAtPushService } from "../../domain/push-services.ts";
import { NotSent, type Posted } from "../../outgoing/post.ts";
import { isLocalUrl } from "../../outgoing/strangers-url.ts";
import type { Channel, Context, Outcome, Target } from "./channel.ts";
import { pushMessageOf } from "./push-message.ts";
import type { Recipients, Subscription } from "./recipient.ts";

type PushTarget = Target & Subscription;

/** How long a push service keeps a message for a device that is off (s). The inbox has the notice longer. */
const ttlSeconds = 3 * 24 * 3_600;

export interface Sender {
  keys: PushKeys;
  /** How a push service's operators reach those of this market: a URL, `mailto:` or `https:` (RFC 8292). */
  contact: string;
  /** The hosts of push services (PUSH_SERVICES). */
  services: string[];
  isLoopbackAllowed: boolean;
}

/** Browsers that the user has subscribed, by web push (RFC 8030). The devices of one push service are one lane. */
export const pushChannel = (sender: Sender, recipients: Recipients): Channel<PushTarget> => ({
  isOn: sender.keys.private !== undefined,
  concurrency: 2,
  isForPeople: true,

  targetsOf: ({ push }) =>
    push.map((subscription) => ({ ...subscription, lane: `push.${hostOf(subscription)}` })),

  async send(
    { content, userId },
    target,
    { outgoing, recipient, logger }: Context,
  ): Promise<Outcome> {
    if (!("notice" in content)) throw new Error("A push is about a notice.");
    if (!isEndpoint(target.endpoint, sender))
      return { state: "refused", reason: "The device is not at a push service that is allowed." };
    const request = await requestOf(content.notice, recipient.language, target, sender).catch(
      (error: unknown) => void logger.info(`A push cannot be encrypted: ${String(error)}`),
    );
    if (!request) return { state: "refused", reason: "The keys of the device are not valid." };
    try {
      const outcome = outcomeOf(
        await outgoing.post(target.endpoint, request.headers, request.body),
      );
      // Only then: a device whose push service is down for days is not forgotten.
      if (outcome.state === "gone") await recipients.removeSubscription(userId, target.id!);
      return outcome;
    } catch (error) {
      if (!(error instanceof NotSent)) throw error;
      if (error.isRefused) return { state: "refused", reason: error.message };
      return { state: "retry", reason: error.message, isDown: true };
    }
  },
});

const hostOf = ({ endpoint }: Subscription) =>
  URL.canParse(endpoint) ? new URL(endpoint).host.slice(0, 255) : "none";

const isEndpoint = (endpoint: string, { services, isLoopbackAllowed }: Sender) =>
  isAtPushService(endpoint, services) || (isLoopbackAllowed && isLocalUrl(endpoint));

/**
 * A message to one browser: encrypted with its keys (RFC 8291), and signed (VAPID, RFC 8292). `Topic` is derived from the notice's id, so
 * that the push service keeps only the last of repeated messages. Rejects when the keys or the endpoint are not valid.
 */
export async function requestOf(
  notice: Notification,
  language: string,
  { endpoint, p256dh, auth }: Subscription,
  { keys, contact }: Pick<Sender, "keys" | "contact">,
): Promise<{ headers: Record<string, string>; body: Buffer }> {
  const { headers, body } = await buildPushPayload(
    {
      data: JSON.stringify(pushMessageOf(notice, language)),
      options: {
        ttl: ttlSeconds,
        topic: topicOf(notice.id),
        urgency: notice.type === "sale" ? "high" : "normal",
      },
    },
    { endpoint, expirationTime: null, keys: { p256dh, auth } },
    { subject: contact, publicKey: keys.public!, privateKey: keys.private!.d! },
  );
  return { headers: headers as Record<string, string>, body: Buffer.from(body) };
}

/** RFC 8030 allows 32 characters of base64url. */
const topicOf = (id: string) => createHash("sha256").update(id).digest("base64url").slice(0, 32);

/** What the answer of a push service means (RFC 8030, section 5 to 7, and what push services say themselves). */
export function outcomeOf({ status, retryAfterMs }: Posted): Outcome {
  if (status >= 200 && status < 300) return { state: "delivered" };
  const reason = `The push service answered with status ${status}.`;
  if (status === 404 || status === 410) return { state: "gone", reason };
  const afterMs = retryAfterMs !== undefined && { afterMs: retryAfterMs };
  // Too many messages to this device are no reason to pause those to others.
  if (status === 429 || status === 408) return { state: "retry", reason, ...afterMs };
  if (status >= 500) return { state: "retry", reason, isDown: true, ...afterMs };
  return { state: "refused", reason };
}

/** Push services accept a market without a name too; with a URL, their operators can report what is wrong. */
export const pushContact = (publicUrl: string | undefined): string =>
  publicUrl?.startsWith("https:") ? publicUrl : "mailto:operator@souk.invalid";
