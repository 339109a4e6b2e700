import { Webhook as Signer } from "standardwebhooks";
import { NotSent, type Posted } from "../../outgoing/post.ts";
import type { Channel, Context, Message, Outcome, Target } from "./channel.ts";
import { Recipients, type Webhook } from "./recipient.ts";

type WebhookTarget = Target & Webhook;

/** An attempt ends within this time (ms). */
const timeoutMs = 10_000;

/** The seller's own systems, after Standard Webhooks (https://www.standardwebhooks.com). A webhook is a lane of its own. */
export const webhookChannel = (recipients: Recipients): Channel<WebhookTarget> => ({
  isOn: true,
  concurrency: 1,
  isForPeople: false,
  isLaneOfTarget: true,

  targetsOf: ({ webhooks }) =>
    webhooks.map((webhook) => ({ ...webhook, lane: `webhook.${webhook.id}` })),

  async send(message, target, { outgoing, now }: Context): Promise<Outcome> {
    const { headers, body } = requestOf(message, target.secrets, now());
    try {
      return outcomeOf(await outgoing.post(target.url, headers, body, { timeoutMs }));
    } catch (error) {
      if (!(error instanceof NotSent)) throw error;
      return { state: "retry", reason: error.message, isDown: true, mayBeMessage: error.isLate };
    }
  },

  async giveUp({ id }, reason, userId) {
    await recipients.disableWebhook(userId, id!, reason);
  },
});

/**
 * A signed request: `webhook-id` is the notice's id, the same in all repeats; `webhook-signature` has one signature for each valid
 * secret.
 */
export function requestOf({ content }: Message, secrets: string[], now: Date) {
  if (!("notice" in content)) throw new Error("A webhook gets notices only.");
  const { id, type, text, data, createdAt } = content.notice;
  const body = JSON.stringify({
    type,
    timestamp: createdAt,
    data: { ...data, id, text, createdAt },
  });
  const signatures = secrets.map((secret) => new Signer(secret).sign(id, now, body));
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": `${Math.floor(now.getTime() / 1000)}`,
    "webhook-signature": signatures.join(" "),
  };
  return { headers, body };
}

function outcomeOf({ status, retryAfterMs }: Posted): Outcome {
  if (status >= 200 && status < 300) return { state: "delivered" };
  const reason = `The receiver answered with status ${status}.`;
  if (status === 410) return { state: "gone", reason };
  const mayBeMessage = ![429, 502, 503, 504].includes(status);
  const wait = retryAfterMs !== undefined && { afterMs: retryAfterMs };
  return { state: "retry", reason, isDown: true, mayBeMessage, ...wait };
}
