import { refusal } from "../broker/refusal.ts";
import { Counter } from "./counter.ts";
import { AdmissionControl } from "./policy/admission-control.ts";
import { concurrencyLimits } from "./policy/limits.ts";
import { scaled } from "./rate-scale.ts";

/** Milliseconds between two log lines about load shedding. */
const logIntervalMs = 10_000;

/**
 * Load shedding: adaptive admission control for each service, and a limit on the calls that one network
 * has in flight. Only calls count, so a client that sends or reads slowly takes no capacity.
 */
export class LoadShedder {
  readonly #admission: Map<string, AdmissionControl>;
  readonly #byNetwork = new Counter();
  readonly #maxOfNetwork = scaled(concurrencyLimits.requestsByNetwork);
  readonly #warn: (line: string) => void;
  #loggedAt = -Infinity;

  /** `max` and `min` bound the calls in flight of each service. */
  constructor(
    services: readonly string[],
    { max, min }: { max: number; min: number },
    warn: (line: string) => void,
  ) {
    this.#admission = new Map(services.map((name) => [name, new AdmissionControl(max, min)]));
    this.#warn = warn;
  }

  /** Whether the service has as many calls in flight as it may have. */
  isShedding(service: string): boolean {
    return this.#admission.get(service)!.isFull;
  }

  /** Throws UNAVAILABLE with `retryAfter` while the service has as many calls in flight as it may have. */
  shedLoad(service: string): void {
    const { isFull, limit } = this.#admission.get(service)!;
    if (!isFull) return;
    const now = performance.now();
    if (now - this.#loggedAt > logIntervalMs) {
      this.#loggedAt = now;
      this.#warn(`Shedding load of ${service}: requests above ${limit} calls in flight get 503.`);
    }
    throw refusal("UNAVAILABLE", "The service is overloaded.", { retryAfter: 1 });
  }

  /** Counts `call` as in flight until it ends. Throws TOO_MANY_REQUESTS when the network has its limit in flight. */
  async run<T>(service: string, network: string, call: () => Promise<T>): Promise<T> {
    if (this.#byNetwork.get(network) >= this.#maxOfNetwork)
      throw refusal("TOO_MANY_REQUESTS", "Too many requests from this network are in progress.");
    const admission = this.#admission.get(service)!;
    const admittedAt = performance.now();
    admission.admit();
    this.#byNetwork.increment(network);
    try {
      return await call();
    } finally {
      admission.release(admittedAt, performance.now());
      this.#byNetwork.decrement(network);
    }
  }
}
