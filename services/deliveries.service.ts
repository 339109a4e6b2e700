import { env } from "../broker/env.ts";
import { define } from "../broker/define.ts";
import { typedCall } from "../broker/context.ts";
import { meterOf } from "../broker/metrics/meter.ts";
import { refusal } from "../broker/refusal.ts";
import { DeliveryDocument, newestFirst, toWebhookDelivery } from "../domain/delivery.ts";
import { collection } from "../mixins/collection.ts";
import { Outgoing } from "../outgoing/post.ts";
import { paginate } from "../store/pagination.ts";
import { channelsOf } from "./deliveries/channels.ts";
import { Intake } from "./deliveries/intake.ts";
import { mailSettings } from "./deliveries/mail-settings.ts";
import { measureDeliveries } from "./deliveries/measure.ts";
import { deliveries } from "./deliveries/queue.ts";
import { pushContact } from "./deliveries/push.ts";
import { Recipients } from "./deliveries/recipient.ts";
import { sendTest } from "./deliveries/send-test.ts";
import { Worker } from "./deliveries/worker.ts";

/** Sends notices to strangers' servers: push services, mail servers and webhooks. */
export default define({
  name: "deliveries",

  mixins: [collection({ ...deliveries, document: DeliveryDocument })],

  state() {
    const outgoing = new Outgoing({ isLoopbackAllowed: env.allowLocalTargets });
    const call = typedCall(this.broker);
    const recipients = new Recipients(call);
    const channels = channelsOf(recipients, {
      push: {
        keys: env.pushKeys,
        contact: pushContact(env.publicUrl),
        services: env.pushServices,
        isLoopbackAllowed: env.allowLocalTargets,
      },
      mail: mailSettings(this.broker, env),
    });
    const context = {
      ...{ outgoing, call, logger: this.logger },
      now: () => this.store.now(),
    };
    const meter = meterOf(this.broker);
    const parts = { store: this.store, channels, recipients, context, meter };
    const worker = new Worker(parts);
    const intake = new Intake(parts, worker);
    return { parts, worker, intake };
  },

  actions: {
    async accept({ params }) {
      await this.intake.accept([params]);
      return { ok: true };
    },

    async acceptAll({ params }) {
      await this.intake.accept(params.deliveries);
      return { ok: true };
    },

    async accountMail({ params }) {
      await this.intake.acceptAccountMail(params);
      return { ok: true };
    },

    async test({ params }) {
      return sendTest(this.parts, params);
    },

    async list({ params: { id: targetId, ...page }, meta }) {
      const query = { userId: meta.user.id, targetId, kind: "webhook" };
      const { rows, nextCursor } = await paginate(this.store, query, newestFirst, page);
      return { deliveries: rows.map(toWebhookDelivery), nextCursor };
    },

    async replayOne({ params: { id: targetId, deliveryId: noticeId }, meta }) {
      const delivery = await this.worker.replay({ userId: meta.user.id, targetId, noticeId });
      if (!delivery) throw refusal("NOT_FOUND");
      return toWebhookDelivery(delivery);
    },

    async channels() {
      const { push, mail, webhook } = this.parts.channels;
      return { push: push.isOn, mail: mail.isOn, webhook: webhook.isOn };
    },

    async health() {
      await this.store.ping();
      return { ok: true };
    },
  },

  started() {
    this.worker.start(env.embedded);
    measureDeliveries(this.store, this.parts.meter);
  },

  async stopped() {
    await this.worker.stop();
    for (const channel of Object.values(this.parts.channels)) channel.close?.();
    this.parts.context.outgoing.close();
  },
});
