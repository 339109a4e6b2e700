import type { Service } from "moleculer";
import { codeOf } from "../../broker/refusal.ts";
import type { EndedSession } from "../../contracts/users.ts";
import type { Recipients } from "./recipients.ts";

/** The pause before a failed write is repeated (ms). */
const retryMs = 5_000;
/** Sessions in one round. */
const batchSize = 500;
/** Sessions in memory while the database is unavailable. The oldest are dropped: their devices stay subscribed until their users remove them. */
const maxWaiting = 50_000;

/** Removes the push subscriptions of ended sessions, in the background. */
export class EndedSubscriptions {
  readonly #recipients: Recipients;
  readonly #logger: Pick<Service["logger"], "debug">;
  /** By session id: its user. */
  readonly #waiting = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #isRemoving = false;

  constructor(recipients: Recipients, logger: Pick<Service["logger"], "debug">) {
    [this.#recipients, this.#logger] = [recipients, logger];
  }

  start(): void {
    this.#timer = setInterval(() => this.#remove(), retryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  add({ sid, userId }: EndedSession): void {
    this.#waiting.set(sid, userId);
    if (this.#waiting.size > maxWaiting) this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#remove();
  }

  #remove(): void {
    if (this.#isRemoving || this.#waiting.size === 0) return;
    this.#isRemoving = true;
    this.#removeAll()
      .catch((error: unknown) =>
        this.#logger.debug(`Could not remove ended subscriptions: ${codeOf(error)}.`),
      )
      .finally(() => (this.#isRemoving = false));
  }

  async #removeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, batchSize);
      await this.#recipients.endSessions(batch.map(([sid, userId]) => ({ sid, userId })));
      for (const [sid] of batch) this.#waiting.delete(sid);
    }
  }
}
