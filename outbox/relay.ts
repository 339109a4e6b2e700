import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import pLimit from "p-limit";
import { codeOf } from "../broker/refusal.ts";
import {
  newOutbox,
  type DueTimes,
  type KindOf,
  type Outbox,
  type Owner,
} from "../domain/outbox.ts";
import type { Store } from "../store/store.ts";
import { Backlog } from "./backlog.ts";
import type { Kind } from "./kind.ts";
import { Leases, type Found } from "./leases.ts";
import { measureOutbox } from "./measure.ts";
import { Misdated } from "./misdated.ts";
import type { Call, Receiver, Sender } from "./receiver.ts";
import { Receivers } from "./receivers.ts";

/** Documents whose entries are delivered at once, directly after they were enqueued. The relay delivers the rest. */
const maxDirect = 100;
/** Documents in one claim: a batch action takes as many messages. */
const batchSize = 100;
/** Batches at once; in a backlog more, because in a busy database two would mostly wait. */
const concurrency = 2;
const backlogConcurrency = 5;
/** Batches of one poll start within this time (ms). The next poll then finds newly due documents. */
const maxDrainMs = 1_000;
/** The relay polls this often (ms), and at once when the receiving service appears. */
const pollEveryMs = 500;
/** How often it looks for due times that a wrong clock has set (ms). */
const straightenEveryMs = 1_000;
/** A stop waits this long for calls in flight (ms). */
const stopTimeoutMs = 2_000;

/** Found documents, and the receivers that get their entries now. */
interface Batch<Doc extends Owner> extends Found<Doc> {
  receivers: Receiver<Doc>[];
}

const isDueBy = (now: Date, dueAt?: Date) => dueAt !== undefined && dueAt <= now;

/** Delivers the entries of one collection's outboxes: some directly, the rest in a loop of poll, claim, deliver and mark. */
export class Relay<Doc extends Owner> {
  readonly #sender: Sender;
  readonly #receivers: Receivers<Doc>;
  readonly #backlog: Backlog<Doc>;
  readonly #leases: Leases<Doc>;
  readonly #misdated: Misdated<Doc>;
  readonly #store: Store<Doc>;
  /** The claim of the documents that this node delivers directly. */
  readonly #directClaim = randomUUID();
  readonly #inFlight = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #straightenTimer: NodeJS.Timeout | undefined;
  #isStraightening = false;
  #draining: Promise<void> | undefined;
  #isPollWanted = false;

  constructor(sender: Sender, store: Store<Doc>, kinds: Record<string, Kind<Doc>>) {
    this.#sender = sender;
    this.#receivers = new Receivers(kinds, sender, () => this.poll());
    this.#backlog = new Backlog(store);
    this.#leases = new Leases(store, sender.logger);
    this.#misdated = new Misdated(store);
    this.#store = store;
    measureOutbox(sender, store, kinds);
  }

  start(): void {
    this.#timer = setInterval(() => this.poll(), pollEveryMs).unref();
    this.#straightenTimer = setInterval(() => void this.#straighten(), straightenEveryMs).unref();
    this.poll();
  }

  /** Waits up to 2 s for calls in flight. Unfinished entries are due again when the leases end. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#straightenTimer);
    this.#receivers.stop();
    const inFlight = Promise.all([...this.#inFlight, this.#draining]);
    await Promise.race([inFlight, pause(stopTimeoutMs, undefined, { ref: false })]);
  }

  /** Polls at once: a service appeared or went, and an outage may be over. */
  retryNow(): void {
    this.#receivers.endPauses();
    this.poll();
  }

  /** The outbox of a document that had none. This node holds its lease if it will deliver something directly. */
  enqueue(due: DueTimes<KindOf<Doc>>, traceparent?: string): Outbox<KindOf<Doc>> {
    const now = this.#store.now();
    const isDirect =
      this.#inFlight.size < maxDirect &&
      this.#receivers.accepting().some(({ kind }) => isDueBy(now, (due as DueTimes)[kind]));
    return newOutbox(
      due,
      isDirect ? { claim: this.#directClaim, now } : undefined,
      now,
      traceparent,
    );
  }

  /** Delivers from a document that was just written, directly if this node holds its lease. */
  deliver(document: Doc, call: Call): void {
    if (document.outbox?.claim !== this.#directClaim) {
      if ((document.outbox?.dueAt ?? "~") <= this.#store.now().toISOString()) this.poll();
      return;
    }
    const delivery = this.#deliverDirectly(document, call).finally(() =>
      this.#inFlight.delete(delivery),
    );
    this.#inFlight.add(delivery);
  }

  async #deliverDirectly(document: Doc, call: Call): Promise<void> {
    // Several documents may have been enqueued at once while there was room for one.
    const isFull = this.#inFlight.size >= maxDirect;
    const receivers = isFull ? [] : this.#receivers.accepting();
    const lease = this.#leases.direct(this.#directClaim, document);
    await this.#leases.mark(
      lease,
      await this.#receivers.deliver(lease, receivers, call, this.#store.now()),
    );
    if (isFull) this.poll();
  }

  /** Starts the loop, or one more round of it. */
  poll(): void {
    this.#isPollWanted = true;
    this.#draining ??= this.#drain()
      .catch((error: unknown) => {
        this.#sender.logger.debug(
          `The relay could not read or claim due entries: ${codeOf(error)}`,
        );
        this.#backlog.adapt(0);
      })
      .finally(() => (this.#draining = undefined));
  }

  /** Makes entries due that a wrong clock has set for much later. */
  async #straighten(): Promise<void> {
    if (this.#isStraightening) return;
    this.#isStraightening = true;
    try {
      if ((await this.#misdated.straighten()) > 0) this.poll();
    } catch (error) {
      this.#sender.logger.debug(`The relay could not check due times: ${codeOf(error)}`);
    }
    this.#isStraightening = false;
  }

  async #drain(): Promise<void> {
    while (this.#isPollWanted && this.#receivers.isAnyReady()) {
      this.#isPollWanted = false;
      if (await this.#drainOnce()) this.#isPollWanted = true;
    }
  }

  /** Poll → claim → deliver → mark. Whether anything was due. */
  async #drainOnce(): Promise<boolean> {
    const { batches, isBehind } = await this.#findBatches();
    const drainEnds = performance.now() + maxDrainMs;
    const call: Call = (action, params, options) =>
      this.#sender.broker.call<unknown, object>(action, params, options);
    let delivered = 0;
    let failure: unknown;
    await pLimit(isBehind ? backlogConcurrency : concurrency).map(batches, async (batch) => {
      if (failure || !this.#receivers.isAnyReady() || performance.now() > drainEnds) return;
      const { documents, receivers } = batch;
      // After a failed claim the batches in flight end before the next poll.
      const lease = await this.#leases.claim(batch).catch((error: unknown) => {
        failure = error;
      });
      if (!lease) return;
      const outcomes = await this.#receivers.deliver(lease, receivers, call, this.#store.now());
      await this.#leases.mark(lease, outcomes);
      delivered += documents.length;
    });
    if (failure) throw failure;
    this.#backlog.adapt(delivered);
    return batches.length > 0;
  }

  /** Finds the due documents of the accepting receivers, in batches, and one probe for each receiver in an outage. */
  async #findBatches(): Promise<{ batches: Batch<Doc>[]; isBehind: boolean }> {
    const receivers = this.#receivers.accepting();
    const kinds = this.#receivers.areAll(receivers) ? undefined : receivers.map(({ kind }) => kind);
    const at = performance.now();
    const found = receivers.length > 0 ? await this.#backlog.poll(kinds) : [];
    const batches = Array.from({ length: Math.ceil(found.length / batchSize) }, (_, n) => ({
      documents: found.slice(n * batchSize, (n + 1) * batchSize),
      at,
      receivers,
    }));
    for (const receiver of this.#receivers.probing()) {
      const documents = await this.#backlog.probe(receiver.kind);
      if (documents.length > 0) batches.unshift({ documents, at, receivers: [receiver] });
    }
    return { batches, isBehind: this.#backlog.isBehind(found.length) };
  }
}
