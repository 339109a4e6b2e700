import Type, { type Static } from "typebox";
import { channelNames } from "./channels.ts";
import { Notification } from "./notifications.ts";
import {
  action,
  cursor,
  exactly,
  health,
  id,
  idOf,
  instant,
  limit,
  nextCursor,
  nullable,
  text,
} from "./schema.ts";

export const ChannelName = Type.Enum([...channelNames]);
export type ChannelName = Static<typeof ChannelName>;

/** A notice to send by one channel to all that the user has registered for it. */
export const Delivery = exactly({ kind: ChannelName, userId: id, notice: Notification });
export type Delivery = Static<typeof Delivery>;

/** A mail about an account. What is secret in it is asked for when it is sent. */
export const AccountMail = exactly({ id, userId: id, kind: Type.Enum(["verification"]) });
export type AccountMail = Static<typeof AccountMail>;

/** A delivery as the owner of the webhook sees it. */
export const WebhookDelivery = exactly({
  /** The notice's, and the header `webhook-id` of every attempt. */
  id,
  type: text(1, 64, { examples: ["sale"] }),
  /** `failed`: it was given up, and can be replayed. `dropped`: the webhook was removed before it was sent. */
  state: Type.Enum(["pending", "delivered", "dropped", "failed"]),
  attempts: Type.Integer({ minimum: 0, description: "The number of failed attempts." }),
  createdAt: instant,
  nextAttemptAt: nullable(instant),
  finishedAt: nullable(instant),
  reason: nullable(
    Type.String({
      description: "Why the last attempt failed.",
      examples: ["The receiver answered with status 500."],
    }),
  ),
});
export type WebhookDelivery = Static<typeof WebhookDelivery>;

const ok = exactly({ ok: Type.Literal(true) });

export const deliveriesActions = {
  /**
   * Stores a delivery to each target that the user has registered for the channel, and sends them. Idempotent by channel, user, notice
   * and target. A channel that this market has not configured, and a user without targets, are no error.
   */
  "deliveries.accept": action(Delivery, ok),
  /** Several in one call. After an error some may be stored, and all may be repeated. */
  "deliveries.acceptAll": action(
    exactly({ deliveries: Type.Array(Delivery, { minItems: 1, maxItems: 100 }) }),
    ok,
  ),
  /** Stores a mail about an account, and sends it. Idempotent by `id`. Quiet hours and the user's preferences do not count. */
  "deliveries.accountMail": action(AccountMail, ok),
  /**
   * Sends a test notice once, without storing it: to all devices of the user, by mail, or to one webhook. `reason` says why a target
   * did not accept it. `isSent` is false when one did not, when there is none, and when the channel is not configured.
   */
  "deliveries.test": action(
    exactly({ channel: ChannelName, userId: id, webhookId: Type.Optional(id) }),
    exactly({ isSent: Type.Boolean(), reason: Type.Optional(Type.String()) }),
  ),
  /** The deliveries to one of the caller's webhooks, newest first. A webhook that was removed or never existed has none. */
  "deliveries.list": action(
    exactly({
      id: idOf("the webhook"),
      limit: Type.Optional(limit),
      cursor: Type.Optional(cursor),
    }),
    exactly({ deliveries: Type.Array(WebhookDelivery), nextCursor }),
  ),
  /** Sends a notice to one of the caller's webhooks again, with the same id, and with all of its retries. */
  "deliveries.replayOne": action(
    exactly({ id: idOf("the webhook"), deliveryId: idOf("the delivery: that of its notice") }),
    WebhookDelivery,
  ),
  /** The channels that this market has configured. */
  "deliveries.channels": action(
    exactly({}),
    exactly({ push: Type.Boolean(), mail: Type.Boolean(), webhook: Type.Boolean() }),
  ),
  "deliveries.health": health,
};
