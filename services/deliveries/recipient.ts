import type { Ctx } from "../../broker/context.ts";
import type { Recipient } from "../../contracts/recipients.ts";

export type { Recipient, Subscription } from "../../contracts/recipients.ts";
export type Webhook = Recipient["webhooks"][number];

/** The longest reason that notifications takes. */
const maxReasonLength = 200;

/** The calls of notifications that deliveries need. */
export class Recipients {
  readonly #call: Ctx<unknown>["call"];

  constructor(call: Ctx<unknown>["call"]) {
    this.#call = call;
  }

  of(userId: string): Promise<Recipient> {
    return this.#call("notifications.recipient", { userId });
  }

  async isShown(userId: string, id: string): Promise<boolean> {
    return (await this.#call("notifications.isShown", { userId, id })).isShown;
  }

  /** The token that turns the user's mails off. */
  async unsubscribeToken(userId: string): Promise<string> {
    return (await this.#call("notifications.unsubscribeToken", { userId })).token;
  }

  async disableWebhook(userId: string, id: string, why: string): Promise<void> {
    const reason = [...why].slice(0, maxReasonLength).join("");
    await this.#call("notifications.disableWebhook", { userId, id, reason });
  }

  async removeSubscription(userId: string, id: string): Promise<void> {
    await this.#call("notifications.removeSubscription", { userId, id });
  }
}
