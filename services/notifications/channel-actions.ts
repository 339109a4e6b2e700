import { randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { Handlers } from "../../broker/define.ts";
import { refusal } from "../../broker/refusal.ts";
import { maxWebhooks, type channelsActions } from "../../contracts/channels.ts";
import type { recipientsActions } from "../../contracts/recipients.ts";
import type { Notice } from "../../contracts/notifications.ts";
import {
  disabledFor,
  disabledNotice,
  rotated,
  switched,
  toDevice,
  toPreferences,
  toRecipient,
  toWebhook,
  toWebhookWithSecret,
  withoutSubscriptions,
  withSubscription,
  withWebhook,
  type StoredWebhook,
} from "../../domain/recipient.ts";
import type { RateLimiter } from "../../edge/rate-limiter.ts";
import { creationOf } from "../../store/insert-once.ts";
import { madeBefore, webhookIn } from "./channel-entries.ts";
import { checkKeys, checkPushService, checkQuietHours, checkWebhookUrl } from "./channel-checks.ts";
import type { AvailableChannels } from "./available-channels.ts";
import type { Inbox } from "./inbox.ts";
import type { Recipients } from "./recipients.ts";

/** What these actions need of the service. */
interface Service {
  recipients: Recipients;
  available: AvailableChannels;
  tests: RateLimiter;
  inbox: Inbox;
  store: { now(): Date };
  accept(notice: Notice): Promise<string>;
}

type Local = keyof (typeof channelsActions &
  typeof recipientsActions) extends `notifications.${infer Name}`
  ? Name
  : never;

const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;
const newMailToken = () => randomBytes(24).toString("base64url");

/** The actions of notifications in contracts/channels.ts. */
export const channelActions: Pick<Handlers<"notifications">, Local> & ThisType<Service> = {
  async preferences({ meta }) {
    const [recipient, available] = await Promise.all([
      this.recipients.of(meta.user.id),
      this.available.now(),
    ]);
    return toPreferences(recipient, available);
  },

  async setPreferences({ meta, params: { quietHours, ...rest } }) {
    if (quietHours) checkQuietHours(quietHours);
    const after = await this.recipients.change(meta.user.id, ({ quietHours: before, ...other }) => {
      const hours = quietHours === undefined ? before : (quietHours ?? undefined);
      return { ...other, ...rest, ...(hours && { quietHours: hours }) };
    });
    return toPreferences(after, await this.available.now());
  },

  async subscribe({ meta, params }) {
    const { endpoint, keys, label } = params;
    checkPushService(endpoint);
    const { p256dh, auth } = checkKeys(keys);
    const now = this.store.now();
    const at = now.toISOString();
    const creation = creationOf({ userId: meta.user.id, params }, at);
    const added = {
      ...{ id: randomUUID(), endpoint, p256dh, auth, createdAt: at, usedAt: at },
      ...(label !== undefined && { label }),
      ...(meta.user.sid !== undefined && { sid: meta.user.sid }),
      ...(creation && { creation }),
    };
    const { subscriptions } = await this.recipients.change(meta.user.id, (recipient) =>
      madeBefore(recipient.subscriptions, creation, now)
        ? recipient
        : withSubscription(recipient, added),
    );
    return toDevice(subscriptions.find((one) => one.endpoint === endpoint)!);
  },

  async unsubscribe({ meta, params: { id } }) {
    await this.recipients.change(meta.user.id, (recipient) => {
      const after = withoutSubscriptions(recipient, (one) => one.id === id);
      if (after === recipient) throw refusal("NOT_FOUND", "There is no such device.");
      return after;
    });
    return null;
  },

  async webhooks({ meta }) {
    return { webhooks: (await this.recipients.of(meta.user.id)).webhooks.map(toWebhook) };
  },

  async addWebhook({ meta, params }) {
    const { url, description } = params;
    checkWebhookUrl(url);
    const now = this.store.now();
    const createdAt = now.toISOString();
    const creation = creationOf({ userId: meta.user.id, params }, createdAt);
    const added: StoredWebhook = {
      ...{ id: randomUUID(), url, createdAt, secrets: [{ secret: newSecret() }] },
      ...(description !== undefined && { description }),
      ...(creation && { creation }),
    };
    let made = added;
    await this.recipients.change(meta.user.id, (recipient) => {
      const { webhooks } = recipient;
      made = madeBefore(webhooks, creation, now) ?? added;
      if (made !== added) return recipient;
      if (webhooks.length >= maxWebhooks) throw refusal("TOO_MANY_WEBHOOKS");
      return { ...recipient, webhooks: [...webhooks, added] };
    });
    return toWebhookWithSecret(made);
  },

  async changeWebhook({ meta, params: { id, isEnabled } }) {
    const after = await this.recipients.change(meta.user.id, (recipient) => {
      webhookIn(recipient, id);
      return withWebhook(recipient, id, (one) => switched(one, isEnabled, this.store.now()));
    });
    return toWebhook(webhookIn(after, id));
  },

  async removeWebhook({ meta, params: { id } }) {
    await this.recipients.change(meta.user.id, (recipient) => {
      const removed = webhookIn(recipient, id);
      return { ...recipient, webhooks: recipient.webhooks.filter((one) => one !== removed) };
    });
    return null;
  },

  async rotateWebhook({ meta, params: { id } }) {
    const secret = newSecret();
    const after = await this.recipients.change(meta.user.id, (recipient) => {
      webhookIn(recipient, id);
      return withWebhook(recipient, id, (one) => rotated(one, secret, this.store.now()));
    });
    return toWebhookWithSecret(webhookIn(after, id));
  },

  async testChannel(ctx) {
    const { meta, params } = ctx;
    await this.tests.take(meta.user.id);
    if (params.webhookId !== undefined)
      webhookIn(await this.recipients.of(meta.user.id), params.webhookId);
    return ctx.call("deliveries.test", { ...params, userId: meta.user.id });
  },

  async stopMail({ params: { token } }) {
    const [secret = "", userId = "", ...rest] = token.split(".");
    const { mailToken = "" } = await this.recipients.of(userId);
    const [given, right] = [Buffer.from(secret), Buffer.from(mailToken)];
    const isRight =
      rest.length === 0 &&
      right.length > 0 &&
      given.length === right.length &&
      timingSafeEqual(given, right);
    if (isRight)
      await this.recipients.change(userId, (recipient) =>
        recipient.mail ? { ...recipient, mail: false } : recipient,
      );
    return { ok: true };
  },

  async recipient({ params: { userId } }) {
    return toRecipient(await this.recipients.of(userId), this.store.now());
  },

  async unsubscribeToken({ params: { userId } }) {
    const { mailToken } = await this.recipients.change(userId, (recipient) =>
      recipient.mailToken === undefined ? { ...recipient, mailToken: newMailToken() } : recipient,
    );
    return { token: `${mailToken}.${userId}` };
  },

  async isShown({ params: { userId, id } }) {
    return { isShown: await this.inbox.isShown(userId, id) };
  },

  async removeSubscription({ params: { userId, id } }) {
    await this.recipients.change(userId, (recipient) =>
      withoutSubscriptions(recipient, (one) => one.id === id),
    );
    return null;
  },

  async disableWebhook({ params: { userId, id, reason } }) {
    const { webhooks } = await this.recipients.change(userId, (recipient) =>
      withWebhook(recipient, id, (one) => disabledFor(one, reason, this.store.now())),
    );
    const disabled = webhooks.find((one) => one.id === id);
    // One that its user disabled has no number.
    if (disabled?.timesDisabled) await this.accept(disabledNotice(userId, disabled));
    return null;
  },

  async setMailable({ params: { userId, isMailable = true, language } }) {
    await this.recipients.change(userId, (recipient) => {
      const isSame =
        recipient.isMailable === isMailable && (!language || recipient.language !== undefined);
      return isSame
        ? recipient
        : { ...recipient, isMailable, ...(language && !recipient.language && { language }) };
    });
    return { ok: true };
  },
};
