import Type, { type Static } from "typebox";
import {
  formerSecretHours,
  maxSubscriptions,
  maxWebhooks,
  QuietHours,
  Webhook,
  type Preferences,
  type WebhookWithSecret,
} from "../contracts/channels.ts";
import { Subscription, type Recipient } from "../contracts/recipients.ts";
import { exactly, id, instant, language, text } from "../contracts/schema.ts";
import { Creation } from "./creation.ts";

const StoredSubscription = exactly({
  ...Subscription.properties,
  label: Type.Optional(text(1, 100)),
  /** The session that made it: it ends with that session. */
  sid: Type.Optional(id),
  createdAt: instant,
  /** When it was last registered. */
  usedAt: instant,
  /** The request, if it had an idempotency key. */
  creation: Type.Optional(Creation),
});
export type StoredSubscription = Static<typeof StoredSubscription>;

/** `until`: the end of a former secret. */
const Secret = exactly({ secret: Type.String(), until: Type.Optional(instant) });

const { disabledAt: _, reason: __, description: ___, ...webhook } = Webhook.properties;
const StoredWebhook = exactly({
  ...webhook,
  description: Type.Optional(text(1, 200)),
  /** The newest first. */
  secrets: Type.Array(Secret, { minItems: 1, maxItems: 2 }),
  disabledAt: Type.Optional(instant),
  reason: Type.Optional(text(1, 200)),
  /** How often it was disabled for its failures: each time has its own notice. */
  timesDisabled: Type.Optional(Type.Integer({ minimum: 1 })),
  creation: Type.Optional(Creation),
});
export type StoredWebhook = Static<typeof StoredWebhook>;

/** A user's settings, from the first one on. Webhook secrets are stored as they are, because Souk signs with them. */
export const RecipientDocument = exactly({
  /** The user's id. */
  _id: id,
  v: Type.Literal(1),
  push: Type.Boolean(),
  mail: Type.Boolean(),
  language: Type.Optional(language),
  quietHours: Type.Optional(QuietHours),
  /** Whether users has a verified address. */
  isMailable: Type.Boolean(),
  /** The secret part of the token that turns mails off. */
  mailToken: Type.Optional(Type.String()),
  subscriptions: Type.Array(StoredSubscription, { maxItems: maxSubscriptions }),
  webhooks: Type.Array(StoredWebhook, { maxItems: maxWebhooks }),
  /** Counts the changes: each matches only the version that it was made from. */
  version: Type.Integer({ minimum: 1 }),
});
export type RecipientDocument = Static<typeof RecipientDocument>;

/** The settings of a user who never changed any. */
export const newRecipient = (userId: string): RecipientDocument => ({
  _id: userId,
  v: 1,
  push: true,
  mail: true,
  isMailable: false,
  subscriptions: [],
  webhooks: [],
  version: 1,
});

/** The channels by which a user's notices are sent. */
export interface Channels {
  push: boolean;
  mail: boolean;
  webhook: boolean;
}

export const channelsOf = ({
  push,
  mail,
  isMailable,
  subscriptions,
  webhooks,
}: RecipientDocument): Channels => ({
  push: push && subscriptions.length > 0,
  mail: mail && isMailable,
  webhook: webhooks.some(isEnabled),
});

const isEnabled = ({ disabledAt }: StoredWebhook) => disabledAt === undefined;

export const toPreferences = (
  { push, mail, language = "en", quietHours, subscriptions }: RecipientDocument,
  available: Preferences["available"],
): Preferences => ({
  ...{ push, mail, language, quietHours: quietHours ?? null, available },
  devices: subscriptions.map(toDevice),
});

export const toDevice = ({ id, label, createdAt }: StoredSubscription) => ({
  ...{ id, label: label ?? null, createdAt },
});

/** What deliveries needs to know now. */
export const toRecipient = (recipient: RecipientDocument, now: Date): Recipient => {
  const { push, mail, language = "en", quietHours, subscriptions, webhooks } = recipient;
  return {
    ...{ language, quietHours: quietHours ?? null, mail },
    push: push
      ? subscriptions.map(({ id, endpoint, p256dh, auth }) => ({ id, endpoint, p256dh, auth }))
      : [],
    webhooks: webhooks.filter(isEnabled).map(({ id, url, secrets }) => ({
      ...{ id, url },
      secrets: secrets.filter((one) => isValid(one, now)).map(({ secret }) => secret),
    })),
  };
};

const isValid = ({ until }: Static<typeof Secret>, now: Date) =>
  until === undefined || until > now.toISOString();

export const toWebhook = (webhook: StoredWebhook): Webhook => {
  const { id, url, description, createdAt, disabledAt, reason } = webhook;
  return {
    ...{ id, url, createdAt },
    description: description ?? null,
    disabledAt: disabledAt ?? null,
    reason: reason ?? null,
  };
};

export const toWebhookWithSecret = (webhook: StoredWebhook): WebhookWithSecret => ({
  ...toWebhook(webhook),
  secret: webhook.secrets[0]!.secret,
});

/** Registrations within this time are one use (ms): a page registers at each visit, and should not write each time. */
const useMs = 3_600_000;

/**
 * With a subscription. One with the same endpoint is replaced and keeps its id; of too many, the one unused longest goes. The same
 * document, when nothing is new.
 */
export function withSubscription(
  recipient: RecipientDocument,
  added: StoredSubscription,
): RecipientDocument {
  const { subscriptions } = recipient;
  const before = subscriptions.find(({ endpoint }) => endpoint === added.endpoint);
  if (before && isSameUse(before, added)) return recipient;
  const others = subscriptions.filter((one) => one !== before);
  const { id, createdAt } = before ?? added;
  const kept = others
    .toSorted((a, b) => (a.usedAt < b.usedAt ? 1 : -1))
    .slice(0, maxSubscriptions - 1);
  return {
    ...recipient,
    subscriptions: [
      ...others.filter((one) => kept.includes(one)),
      { label: before?.label, ...added, id, createdAt },
    ],
  };
}

function isSameUse(before: StoredSubscription, added: StoredSubscription): boolean {
  const age = Date.parse(added.usedAt) - Date.parse(before.usedAt);
  const { p256dh, auth, sid, label = before.label } = added;
  const isSame =
    before.p256dh === p256dh &&
    before.auth === auth &&
    before.sid === sid &&
    before.label === label;
  return isSame && age >= 0 && age < useMs;
}

/** Without the subscriptions for which `isGone` holds. The same document, when there are none. */
export function withoutSubscriptions(
  recipient: RecipientDocument,
  isGone: (subscription: StoredSubscription) => boolean,
): RecipientDocument {
  const subscriptions = recipient.subscriptions.filter((one) => !isGone(one));
  const isSame = subscriptions.length === recipient.subscriptions.length;
  return isSame ? recipient : { ...recipient, subscriptions };
}

/** With one webhook changed. The same document, when there is no such webhook or it stays as it is. */
export function withWebhook(
  recipient: RecipientDocument,
  id: string,
  change: (webhook: StoredWebhook) => StoredWebhook,
): RecipientDocument {
  const before = recipient.webhooks.find((one) => one.id === id);
  const after = before && change(before);
  if (before === after) return recipient;
  const webhooks = recipient.webhooks.map((one) => (one === before ? after! : one));
  return { ...recipient, webhooks };
}

/** A webhook with a new secret. The former one stays valid for a day, older ones end now. */
export function rotated(webhook: StoredWebhook, secret: string, now: Date): StoredWebhook {
  const until = new Date(now.getTime() + formerSecretHours * 3_600_000).toISOString();
  const former = { secret: webhook.secrets[0]!.secret, until };
  return { ...webhook, secrets: [{ secret }, former] };
}

/** A webhook as its user enables or disables it. The same one, when it is so already. */
export function switched(webhook: StoredWebhook, toEnabled: boolean, now: Date): StoredWebhook {
  if (toEnabled === isEnabled(webhook)) return webhook;
  const { disabledAt: _, reason: __, ...enabled } = webhook;
  return toEnabled ? enabled : { ...enabled, disabledAt: now.toISOString() };
}

/** A webhook that failed for too long. One that is disabled already stays as it is. */
export function disabledFor(webhook: StoredWebhook, reason: string, now: Date): StoredWebhook {
  if (!isEnabled(webhook)) return webhook;
  const timesDisabled = (webhook.timesDisabled ?? 0) + 1;
  return { ...webhook, disabledAt: now.toISOString(), reason, timesDisabled };
}

/** The notice to a user whose webhook was disabled for its failures. Its id is the same however often it is made. */
export const disabledNotice = (
  userId: string,
  { id, url, reason = "", timesDisabled = 1 }: StoredWebhook,
) => ({
  id: `webhook-disabled-${id}-${timesDisabled}`,
  userId,
  type: "webhook-disabled",
  text: `Your webhook at ${new URL(url).host} was disabled, because it failed for too long.`,
  data: { webhookId: id, url, reason },
});
