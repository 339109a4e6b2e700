import Type, { type Static } from "typebox";
import {
  action,
  exactly,
  id,
  idempotencyKey,
  idOf,
  instant,
  language,
  nullable,
  secretAction,
  line,
} from "./schema.ts";

/** What reaches a user without an open page: web push, mail, and webhooks of the user's own systems. */
export const channelNames = ["push", "mail", "webhook"] as const;

const timeOfDay = (what: string, example: string) =>
  Type.String({
    description: `${what}, on the clock of the time zone.`,
    examples: [example],
    pattern: "^([01]\\d|2[0-3]):[0-5]\\d$",
  });

/** A daily time in which pushes and mails wait. It may include midnight; `from` and `to` differ. Webhooks do not wait. */
export const QuietHours = exactly({
  from: timeOfDay("When they begin", "22:00"),
  to: timeOfDay("When they end", "07:00"),
  timeZone: Type.String({
    description: "The name of a time zone in IANA's database.",
    examples: ["Europe/Berlin"],
    minLength: 1,
    maxLength: 64,
    pattern: "^[\\w+/-]+$",
  }),
});
export type QuietHours = Static<typeof QuietHours>;

/** The most subscriptions and webhooks of one user. */
export const maxSubscriptions = 20;
export const maxWebhooks = 5;
/** A webhook's former secret is valid this long after a new one was made. */
export const formerSecretHours = 24;

const deviceLabel = line(100, {
  description: "A name by which the user knows the device.",
  examples: ["Firefox on Linux"],
});
const isOn = (what: string) => Type.Boolean({ description: what });

/** A browser that gets pushes. */
const Device = exactly({ id, label: nullable(deviceLabel), createdAt: instant });

const preferences = {
  push: isOn("Whether notices that were not shown within 30 seconds are pushed to the devices."),
  mail: isOn("Whether notices that were not shown or read within 10 minutes are sent by mail."),
  language,
  quietHours: Type.Union([QuietHours, Type.Null()], {
    description: "The daily time in which pushes and mails wait; null for none.",
  }),
};

/** How a user is reached without an open page. */
export const Preferences = exactly({
  ...preferences,
  devices: Type.Array(Device, { maxItems: maxSubscriptions }),
  /** The channels that this market can use at the moment. */
  available: exactly({ push: Type.Boolean(), mail: Type.Boolean(), webhook: Type.Boolean() }),
});
export type Preferences = Static<typeof Preferences>;

const targetUrl = (what: string, example: string) =>
  Type.String({
    description: what,
    examples: [example],
    minLength: 1,
    maxLength: 2048,
    pattern: "^[!-~]+$",
  });
export const endpoint = targetUrl(
  "The `endpoint` of the browser's PushSubscription.",
  "https://updates.push.services.mozilla.com/wpush/v2/EXAMPLE",
);
export const p256dh = Type.String({
  description: "The subscription's public key: 65 bytes in base64url.",
  examples: [
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  ],
  minLength: 87,
  maxLength: 88,
  pattern: "^B[\\w-]{86}=?$",
});
export const auth = Type.String({
  description: "The subscription's secret: 16 bytes in base64url.",
  examples: ["BTBZMqHH6r4Tts7J_aSIgg"],
  minLength: 22,
  maxLength: 24,
  pattern: "^[\\w-]{22}(==)?$",
});
export const webhookUrl = targetUrl(
  "Where Souk sends the notices: an https URL on the public internet.",
  "https://shop.example/souk-webhook",
);
const description = line(200, {
  description: "A note for the user.",
  examples: ["Our stock system"],
});

/** A URL of the user's own systems that gets every notice at once, signed after Standard Webhooks. */
export const Webhook = exactly({
  id,
  url: webhookUrl,
  description: nullable(description),
  createdAt: instant,
  /** When it was disabled after repeated failures, or by the user. Null while it is enabled. */
  disabledAt: nullable(instant),
  /** Why it was disabled after failures. */
  reason: nullable(Type.String()),
});
export type Webhook = Static<typeof Webhook>;

export const secret = Type.String({
  description: "The key of the signatures: `whsec_` and 32 bytes in base64. It is shown only here.",
  examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
  pattern: "^whsec_[A-Za-z0-9+/]{43}=$",
});
const WithSecret = exactly({ ...Webhook.properties, secret });
export type WebhookWithSecret = Static<typeof WithSecret>;

const nothing = exactly({});
const webhookId = idOf("the webhook");

/** Actions of notifications with routes: how its users are reached without an open page. */
export const channelsActions = {
  /** The caller's preferences. */
  "notifications.preferences": action(nothing, Preferences),
  /** Changes some of them, and answers with all. */
  "notifications.setPreferences": action(
    Type.Object(
      {
        push: Type.Optional(preferences.push),
        mail: Type.Optional(preferences.mail),
        language: Type.Optional(language),
        quietHours: Type.Optional(preferences.quietHours),
      },
      { additionalProperties: false, minProperties: 1 },
    ),
    Preferences,
  ),
  /**
   * Registers the caller's browser for pushes until the session ends. Idempotent by `endpoint`. Of more than 20 the one unused longest is
   * removed: registering it again, as a page does at each visit, is a use.
   */
  "notifications.subscribe": secretAction(
    exactly({
      endpoint,
      keys: Type.Object(
        { p256dh, auth },
        { additionalProperties: false, description: "The `keys` of the PushSubscription." },
      ),
      label: Type.Optional(deviceLabel),
      idempotencyKey: Type.Optional(idempotencyKey),
    }),
    Device,
  ),
  "notifications.unsubscribe": action(exactly({ id: idOf("the device") }), Type.Null()),
  /** The caller's webhooks, the oldest first. */
  "notifications.webhooks": action(
    nothing,
    exactly({ webhooks: Type.Array(Webhook, { maxItems: maxWebhooks }) }),
  ),
  "notifications.addWebhook": secretAction(
    exactly({
      url: webhookUrl,
      description: Type.Optional(description),
      idempotencyKey: Type.Optional(idempotencyKey),
    }),
    WithSecret,
  ),
  /** Disables a webhook, or enables it again, also after it was disabled for its failures. */
  "notifications.changeWebhook": action(
    exactly({ id: webhookId, isEnabled: isOn("Whether notices are sent to it.") }),
    Webhook,
  ),
  "notifications.removeWebhook": action(exactly({ id: webhookId }), Type.Null()),
  /** Makes a new secret. For 24 hours, requests are signed with the former one too. */
  "notifications.rotateWebhook": secretAction(exactly({ id: webhookId }), WithSecret),
  /** Sends a test message at once, and says whether the receiver accepted it. At most 10 a minute. */
  "notifications.testChannel": action(
    exactly({
      channel: Type.Enum([...channelNames], { description: "The channel to try." }),
      webhookId: Type.Optional(idOf("the webhook to try")),
    }),
    exactly({ isSent: Type.Boolean(), reason: Type.Optional(Type.String()) }),
  ),
  /** Turns off the mails of the user whose mail has this token. Idempotent; the answer to an unknown token is the same. */
  "notifications.stopMail": secretAction(
    exactly({
      token: Type.String({
        description: "The token in the mail's List-Unsubscribe header.",
        examples: ["TOKEN"],
        minLength: 1,
        maxLength: 128,
        pattern: "^[\\w.-]+$",
      }),
    }),
    exactly({ ok: Type.Literal(true) }),
  ),
};
