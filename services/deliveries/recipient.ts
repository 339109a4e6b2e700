import type { ServiceBroker } from "moleculer";
import type { QuietHours } from "../../domain/quiet-hours.ts";

export interface Subscription {
  id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}

export interface Webhook {
  id: string;
  url: string;
  /** The newest first. While one is being replaced, both are valid. */
  secrets: string[];
}

/** How a user wants to be reached: the answer of `notifications.recipient`. */
export interface Recipient {
  language: string;
  quietHours: QuietHours | null;
  push: Subscription[];
  mail: boolean;
  webhooks: Webhook[];
}

/** The calls of notifications that deliveries need. */
export class Recipients {
  readonly #broker: ServiceBroker;

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
  }

  of(userId: string): Promise<Recipient> {
    return this.#broker.call("notifications.recipient", { userId });
  }

  async isShown(userId: string, id: string): Promise<boolean> {
    const { isShown } = await this.#broker.call<{ isShown: boolean }, object>(
      "notifications.isShown",
      { userId, id },
    );
    return isShown;
  }

  /** The token that turns the user's mails off. */
  async unsubscribeToken(userId: string): Promise<string> {
    const { token } = await this.#broker.call<{ token: string }, object>(
      "notifications.unsubscribeToken",
      { userId },
    );
    return token;
  }

  async disableWebhook(userId: string, id: string, reason: string): Promise<void> {
    await this.#broker.call("notifications.disableWebhook", { userId, id, reason });
  }

  async removeSubscription(userId: string, id: string): Promise<void> {
    await this.#broker.call("notifications.removeSubscription", { userId, id });
  }
}
