import type { CallingOptions, Service } from "moleculer";
import pLimit from "p-limit";
import { inTraceOf, inTracesOf } from "../broker/tracing/carry.ts";
import { meterOf } from "../broker/metrics/meter.ts";
import { codeOf } from "../broker/refusal.ts";
import { backoffMs, failureOf, type Failure, type Outcome, type Owner } from "../domain/outbox.ts";
import type { Kind } from "./kind.ts";

/** Single calls at once, when a batch call has failed. */
const concurrency = 3;

/** The kind without the types of its action. The compiler has checked them where the kind is declared. */
type Untyped<Doc> = {
  action: string;
  message(document: Doc): object;
  batch?: { action: string; params(messages: object[]): object };
  isCancelled?(document: Doc, sender: object): boolean | Promise<boolean>;
};

/** In the caller's trace, or in that of the options. */
export type Call = (action: string, params: object, options?: CallingOptions) => Promise<unknown>;

/** One delivery: how to call, and whether the lease leaves time to start another call. */
export interface Attempt {
  call: Call;
  mayStart(): boolean;
}

type Result = { state: "delivered" | "cancelled" | "skipped" } | { state: Failure; error: Error };

/** The Moleculer service whose documents send the messages. */
export type Sender = Pick<Service, "broker" | "logger" | "name">;

/** The receiving action of one kind. In an outage it gets no calls but one probe at a time. */
export class Receiver<Doc extends Owner> {
  readonly kind: string;
  readonly #declared: Untyped<Doc>;
  readonly #sender: Sender;
  readonly #onReady: () => void;
  /** It was called and accepted nothing. */
  #isOutage = false;
  /** The pause before the next probe. */
  #pause: NodeJS.Timeout | undefined;

  /** `onReady` is called when the pause of an outage has ended. */
  constructor(kind: string, declared: Kind<Doc>, sender: Sender, onReady: () => void) {
    this.kind = kind;
    this.#declared = declared as Untyped<Doc>;
    this.#sender = sender;
    this.#onReady = onReady;
  }

  /** It takes all that is due. */
  isAccepting(): boolean {
    return this.#isReady() && !this.#isOutage;
  }

  /** It takes one entry, which finds out whether the outage is over. */
  isProbing(): boolean {
    return this.#isReady() && this.#isOutage;
  }

  #isReady(): boolean {
    return this.#isAvailable() && !this.#pause;
  }

  #isAvailable(): boolean {
    return this.#sender.broker.registry.actions.isAvailable(this.#declared.action);
  }

  /** Ends the pause: the receiving service has just appeared, or the relay stops. */
  endPause(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  /** Delivers the entry of each document with one call, or with one each when that fails. The outcomes, in the same order. Never rejects. */
  async deliver(documents: Doc[], attempt: Attempt): Promise<Outcome[]> {
    const outcomes = await this.#deliver(documents, attempt);
    const { broker, name: service } = this.#sender;
    const meter = meterOf(broker);
    if (meter.isOn)
      for (const outcome of outcomes)
        if (outcome.state !== "pending" || outcome.isAttempt) {
          const labels = { service, action: this.#declared.action, outcome: outcome.state };
          meter.count("souk_outbox_outcomes_total", labels);
        }
    return outcomes;
  }

  async #deliver(documents: Doc[], attempt: Attempt): Promise<Outcome[]> {
    if (documents.length > 1 && this.#declared.batch && this.#mayCall(attempt)) {
      try {
        return await this.#deliverBatch(documents, attempt.call);
      } catch (error) {
        const { message } = error as Error;
        const count = `${documents.length} entries (${this.kind})`;
        this.#sender.logger.debug(`${count} are delivered one by one: ${message}`);
      }
    }
    return this.#deliverSingly(documents, attempt);
  }

  #mayCall(attempt: Attempt): boolean {
    return this.#isReady() && attempt.mayStart();
  }

  async #deliverBatch(documents: Doc[], call: Call): Promise<Outcome[]> {
    const cancelled = await Promise.all(documents.map((document) => this.#isCancelled(document)));
    const remaining = documents.filter((_, n) => !cancelled[n]);
    if (remaining.length > 0) {
      const { action, params } = this.#declared.batch!;
      const messages = remaining.map((document) => this.#declared.message(document));
      const traces = remaining.map((document) => this.#traceOf(document));
      await call(action, params(messages), inTracesOf(traces));
      this.#endOutage();
    }
    return cancelled.map((isCancelled) => ({ state: isCancelled ? "cancelled" : "delivered" }));
  }

  /** After one answer that the receiver is unavailable, the remaining entries are not tried. */
  async #deliverSingly(documents: Doc[], attempt: Attempt): Promise<Outcome[]> {
    let unavailable: Error | undefined;
    const deliver = async (document: Doc): Promise<Result> => {
      if (unavailable || !this.#mayCall(attempt)) return { state: "skipped" };
      const result = await this.#deliverOne(document, attempt.call);
      if (result.state === "unavailable") unavailable = result.error;
      return result;
    };
    const results =
      documents.length === 1
        ? [await deliver(documents[0]!)]
        : await pLimit(concurrency).map(documents, deliver);
    const isReached = results.some(({ state }) => state === "delivered" || state === "refused");
    if (isReached) this.#endOutage();
    else if (unavailable && this.#isAvailable()) this.#beginPause(unavailable);
    return results.map((result, n) => this.#outcomeOf(documents[n]!, result));
  }

  async #deliverOne(document: Doc, call: Call): Promise<Result> {
    try {
      if (await this.#isCancelled(document)) return { state: "cancelled" };
      const { action } = this.#declared;
      await call(action, this.#declared.message(document), inTraceOf(this.#traceOf(document)));
      return { state: "delivered" };
    } catch (error) {
      return { state: failureOf(codeOf(error)), error: error as Error };
    }
  }

  #traceOf({ outbox }: Doc): string | undefined {
    return outbox?.entries[this.kind]?.traceparent;
  }

  async #isCancelled(document: Doc): Promise<boolean> {
    return (await this.#declared.isCancelled?.(document, this.#sender)) ?? false;
  }

  #outcomeOf({ _id, outbox }: Doc, result: Result): Outcome {
    const { logger, name } = this.#sender;
    const attempts = outbox?.entries[this.kind]?.attempts ?? 0;
    switch (result.state) {
      case "delivered":
      case "cancelled":
        return { state: result.state };
      case "skipped":
        return { state: "pending", waitMs: 0, isAttempt: false };
      case "refused": {
        const reason = result.error.message;
        logger.error(
          `The ${this.kind} of ${_id} was refused and is a dead letter (see ${name}.outbox and ${name}.replay): ${reason}`,
        );
        return { state: "refused", reason };
      }
      case "unavailable":
        // The service has just gone: that is no failed attempt.
        if (!this.#isAvailable()) return { state: "pending", waitMs: 0, isAttempt: false };
        // In an outage each entry waits the shortest time. Otherwise the fault may be in the message.
        return this.#retry(this.#isOutage ? 0 : attempts);
      case "failed":
        if (attempts === 0)
          logger.error(
            `The ${this.kind} of ${_id} could not be delivered and will be retried: ${result.error.message}`,
          );
        return this.#retry(attempts);
    }
  }

  #retry(attempts: number): Outcome {
    return { state: "pending", waitMs: backoffMs(attempts, Math.random()), isAttempt: true };
  }

  #beginPause({ message }: Error): void {
    if (this.#pause) return;
    // One line for an outage, however many entries and probes it takes.
    if (!this.#isOutage)
      this.#sender.logger.warn(
        `Entries (${this.kind}) wait, because ${this.#declared.action} is unavailable: ${message}`,
      );
    this.#isOutage = true;
    this.#pause = setTimeout(
      () => {
        this.#pause = undefined;
        this.#onReady();
      },
      backoffMs(0, Math.random()),
    ).unref();
  }

  #endOutage(): void {
    if (this.#isOutage) this.#sender.logger.info(`Entries (${this.kind}) are delivered again.`);
    this.#isOutage = false;
  }
}
