import { refusal } from "../broker/refusal.ts";
import type { Meter } from "../broker/metrics/meter.ts";
import { Counter } from "./counter.ts";
import { AdmissionControl } from "./policy/admission-control.ts";
import { FairQueue } from "./policy/fair-queue.ts";
import { concurrencyLimits } from "./policy/limits.ts";
import { scaled } from "./rate-scale.ts";

/** Milliseconds between two log lines about load shedding. */
const logIntervalMs = 10_000;

/** Milliseconds that a call may wait for its turn. With the 5 s of the call itself, its client gets a response within 10 s. */
const maxWaitMs = 3_000;

const overloaded = () => refusal("UNAVAILABLE", "The service is overloaded.", { retryAfter: 1 });

/** The calls to one service. */
interface Load {
  admission: AdmissionControl;
  /** Reads do not wait behind writes, and do not share fsyncs. */
  queues: { read: FairQueue; write: FairQueue };
  /** Calls in flight, waiting ones included. */
  byNetwork: Counter;
}

/** A call to be made. */
interface Request<T> {
  service: string;
  network: string;
  kind: "read" | "write";
  /** How many calls of this kind the nodes of the service can work on at the same time. */
  capacity: number;
  /** Whether nobody waits for the result any more. */
  isAbandoned(): boolean;
  call(): Promise<T>;
}

/**
 * Load shedding, fair to client networks: adaptive admission control for each service, a queue in which networks take turns,
 * and a limit on the calls that one network has in flight. Only calls count, so a client that sends or reads slowly takes
 * no capacity.
 */
export class LoadShedder {
  readonly #services: Map<string, Load>;
  readonly #byNetwork = new Counter();
  readonly #maxOfNetwork = scaled(concurrencyLimits.requestsByNetwork);
  readonly #warn: (line: string) => void;
  readonly #meter: Meter | undefined;
  #loggedAt = -Infinity;

  /** `max` and `min` bound the calls in flight of each service. */
  constructor(
    services: readonly string[],
    { max, min }: { max: number; min: number },
    warn: (line: string) => void,
    meter?: Meter,
  ) {
    this.#services = new Map(
      services.map((name) => [
        name,
        {
          admission: new AdmissionControl(max, min),
          queues: { read: new FairQueue(), write: new FairQueue() },
          byNetwork: new Counter(),
        },
      ]),
    );
    this.#warn = warn;
    this.#meter = meter;
    for (const service of services) meter?.begin("souk_sheds_total", { service });
    meter?.collect(() => this.#measure(meter));
  }

  #measure(meter: Meter): void {
    for (const [service, { admission }] of this.#services) {
      meter.set("souk_admission_limit", admission.limit, { service });
      meter.set("souk_admission_in_flight", admission.inFlight, { service });
    }
  }

  /** Whether the service has as many calls in flight as it may have. */
  isShedding(service: string): boolean {
    return this.#services.get(service)!.admission.isFull;
  }

  /**
   * Throws UNAVAILABLE with `retryAfter` while the service has as many calls in flight as it may have, unless there would be
   * room if every network had at most as many as this one (max-min fairness).
   */
  shedLoad(service: string, network: string): void {
    const { admission, byNetwork } = this.#services.get(service)!;
    const { isFull, limit } = admission;
    if (!isFull || byNetwork.sumUpTo(byNetwork.get(network) + 1) < limit) return;
    this.#meter?.count("souk_sheds_total", { service });
    const now = performance.now();
    if (now - this.#loggedAt > logIntervalMs) {
      this.#loggedAt = now;
      this.#warn(`Shedding load of ${service}: requests above ${limit} calls in flight get 503.`);
    }
    throw overloaded();
  }

  /**
   * Makes the call when it is its turn, and counts it as in flight until it ends. Throws TOO_MANY_REQUESTS when the network has
   * its limit in flight, UNAVAILABLE when the turn did not come in time.
   */
  async run<T>({ service, network, kind, capacity, isAbandoned, call }: Request<T>): Promise<T> {
    if (this.#byNetwork.get(network) >= this.#maxOfNetwork)
      throw refusal("TOO_MANY_REQUESTS", "Too many requests from this network are in progress.");
    const { admission, queues, byNetwork } = this.#services.get(service)!;
    const queue = queues[kind];
    const admittedAt = performance.now();
    admission.admit();
    byNetwork.increment(network);
    this.#byNetwork.increment(network);
    await queue.enter(network, capacity);
    try {
      if (isAbandoned() || performance.now() - admittedAt > maxWaitMs) {
        this.#meter?.count("souk_sheds_total", { service });
        throw overloaded();
      }
      return await call();
    } finally {
      queue.leave(capacity);
      admission.release(admittedAt, performance.now(), network);
      byNetwork.decrement(network);
      this.#byNetwork.decrement(network);
    }
  }
}
