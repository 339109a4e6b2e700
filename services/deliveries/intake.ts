import pLimit from "p-limit";
import type { AccountMail, Delivery } from "../../contracts/deliveries.ts";
import { newAccountMail, newDelivery, type DeliveryDocument } from "../../domain/delivery.ts";
import { DuplicateKey } from "../../store/store.ts";
import type { Target } from "./channel.ts";
import type { Parts } from "./parts.ts";
import type { Recipient } from "./recipient.ts";
import type { Worker } from "./worker.ts";

/** Users whose settings are read at once. */
const concurrency = 10;

/** Stores new deliveries, one for each target. */
export class Intake {
  readonly #parts: Omit<Parts, "context">;
  readonly #worker: Worker;

  constructor(parts: Omit<Parts, "context">, worker: Worker) {
    [this.#parts, this.#worker] = [parts, worker];
  }

  /** May be repeated: each is stored once. */
  async accept(deliveries: Delivery[]): Promise<void> {
    const wanted = deliveries.filter(({ kind }) => this.#parts.channels[kind].isOn);
    const byUser = Map.groupBy(wanted, ({ userId }) => userId);
    await pLimit(concurrency).map([...byUser], async ([userId, own]) => {
      const recipient = await this.#parts.recipients.of(userId);
      for (const delivery of own)
        for (const target of this.#parts.channels[delivery.kind].targetsOf(recipient))
          await this.#insert(this.#new(delivery, target), recipient);
    });
  }

  async acceptAccountMail(mail: AccountMail): Promise<void> {
    const { isOn, accountTarget } = this.#parts.channels.mail;
    if (!isOn || !accountTarget) return;
    const { lane } = accountTarget;
    await this.#insert(newAccountMail(mail, lane, this.#worker.admit(lane)));
  }

  #new(delivery: Delivery, target: Target): DeliveryDocument {
    return newDelivery(delivery, target, this.#worker.admit(target.lane));
  }

  async #insert(document: DeliveryDocument, recipient?: Recipient): Promise<void> {
    try {
      this.#worker.take(await this.#parts.store.insert(document), recipient);
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
    }
  }
}
