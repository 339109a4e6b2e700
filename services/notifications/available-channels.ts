import type { ServiceBroker } from "moleculer";
import { typedCall } from "../../broker/context.ts";
import type { Preferences } from "../../contracts/channels.ts";

type Available = Preferences["available"];

/** An answer counts this long (ms): it changes when deliveries is started with other settings. */
const maxAgeMs = 10_000;
/** Preferences are shown without the answer, after this time (ms). */
const timeoutMs = 1_000;

/** The channels that deliveries can use. None while it is unavailable and was never asked. */
export class AvailableChannels {
  readonly #broker: ServiceBroker;
  #known: Available = { push: false, mail: false, webhook: false };
  /** By performance.now(). */
  #askedAt = -Infinity;

  constructor(broker: ServiceBroker) {
    this.#broker = broker;
  }

  /** Never rejects. */
  async now(): Promise<Available> {
    if (performance.now() - this.#askedAt < maxAgeMs) return this.#known;
    if (!this.#broker.registry.actions.isAvailable("deliveries.channels")) return this.#known;
    try {
      const options = { timeout: timeoutMs, retries: 0 };
      this.#known = await typedCall(this.#broker)("deliveries.channels", {}, options);
      this.#askedAt = performance.now();
    } catch {
      // It may be starting or stopping: the last answer is as good as any.
    }
    return this.#known;
  }
}
