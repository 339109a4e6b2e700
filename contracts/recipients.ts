import Type, { type Static } from "typebox";
import { auth, endpoint, p256dh, QuietHours, secret, webhookUrl } from "./channels.ts";
import { action, exactly, id, language, nullable, secretAction, text } from "./schema.ts";

/** A subscription as web push needs it. */
export const Subscription = exactly({ id, endpoint, p256dh, auth });
export type Subscription = Static<typeof Subscription>;

/** To whom deliveries sends, as it is now: only what is on, enabled and valid. */
export const Recipient = exactly({
  language,
  quietHours: nullable(QuietHours),
  push: Type.Array(Subscription),
  /** Whether mails are on. The address and whether it is verified are known to users. */
  mail: Type.Boolean(),
  /** With two secrets while they are rotated, the new one first. */
  webhooks: Type.Array(exactly({ id, url: webhookUrl, secrets: Type.Array(secret) })),
});
export type Recipient = Static<typeof Recipient>;

/** Actions of notifications for the other services, without routes. */
export const recipientsActions = {
  /** A user without settings has the defaults. */
  "notifications.recipient": secretAction(exactly({ userId: id }), Recipient),
  /** The user's token for `stopMail`: the same at every call. */
  "notifications.unsubscribeToken": secretAction(
    exactly({ userId: id }),
    exactly({ token: Type.String() }),
  ),
  /** Whether a notice was shown or read. An unknown one counts as shown: it needs no delivery. */
  "notifications.isShown": action(
    exactly({ userId: id, id }),
    exactly({ isShown: Type.Boolean() }),
  ),
  /** The push service says that the subscription is no more. An unknown one is no error. */
  "notifications.removeSubscription": action(exactly({ userId: id, id }), Type.Null()),
  /** A webhook's receiver failed for too long. Its user gets a notice. Idempotent; an unknown one is no error. */
  "notifications.disableWebhook": action(
    exactly({ userId: id, id, reason: text(1, 200) }),
    Type.Null(),
  ),
  /** A user's address was verified, or is no longer. Until the first call the user's notices cost no mail. Idempotent. */
  "notifications.setMailable": action(
    exactly({
      userId: id,
      isMailable: Type.Optional(Type.Boolean()),
      language: Type.Optional(language),
    }),
    exactly({ ok: Type.Literal(true) }),
  ),
};

export const recipientsEvents = {
  /** To the other nodes of notifications: a user's settings have changed. If it is lost, they notice within 30 s. */
  "notifications.recipientChanged": exactly({ userId: id }),
};
