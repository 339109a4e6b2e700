import { randomUUID } from "node:crypto";
import { codeOf } from "../../broker/refusal.ts";
import type { Admission, DeliveryDocument } from "../../domain/delivery.ts";
import { attempt } from "./attempt.ts";
import { Endings } from "./endings.ts";
import { isBusy, Lanes, type Claimed, type Lane } from "./lanes.ts";
import { DeliveryQueue, startWithinMs } from "./queue.ts";
import { countAttempt } from "./measure.ts";
import type { Parts } from "./parts.ts";
import type { Recipient } from "./recipient.ts";

/** It polls this often, and at once when a lane is free again (ms). */
const pollEveryMs = 500;
const straightenEveryMs = 60_000;
/** Deliveries of one lane in one claim. */
const batchSize = 10;
/** Deliveries that one poll looks at. */
const pageSize = 200;
/** Attempts at once, in all lanes. */
const maxInFlight = 500;
/** A stop waits this long for attempts in flight (ms). */
const stopTimeoutMs = 2_000;

/**
 * Sends what is due, on any node: poll → claim → send → mark. Each lane has its own queue and pauses while its server is down, so one that
 * hangs slows no other. A delivery whose node is killed is due again when its lease ends.
 */
export class Worker {
  readonly lanes = new Lanes();
  readonly #parts: Parts;
  readonly #queue: DeliveryQueue;
  readonly #endings: Endings;
  readonly #now: () => Date;
  readonly #claim = randomUUID();
  readonly #running = new Set<Promise<void>>();
  #timers: NodeJS.Timeout[] = [];
  #polling: Promise<void> | undefined;
  #isPollWanted = false;
  #isStopping = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#queue = new DeliveryQueue(parts.store);
    this.#endings = new Endings(this.#queue, this.lanes, parts);
    this.#now = parts.context.now;
  }

  /** `isOnly`: no other node holds leases. */
  start(isOnly: boolean): void {
    if (isOnly)
      this.#queue.endLeases(this.#now()).then(
        () => this.poll(),
        (error: unknown) => this.#log(error),
      );
    this.#timers = [
      setInterval(() => void this.poll(), pollEveryMs).unref(),
      setInterval(() => void this.straighten(), straightenEveryMs).unref(),
    ];
  }

  /** Makes due what a wrong clock has set for much later. Never rejects. */
  async straighten(): Promise<void> {
    await this.#queue.straighten(this.#now()).catch((error: unknown) => this.#log(error));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#timers.forEach(clearInterval);
    const rest = Promise.all([...this.#running, this.#polling]);
    const timeout = new Promise((resolve) => setTimeout(resolve, stopTimeoutMs).unref());
    await Promise.race([rest, timeout]);
  }

  /** The lease and due time for a new delivery in this lane: sent at once if the lane is free, otherwise after what waits in it. */
  admit(name: string): Admission {
    const now = this.#now();
    const lane = this.lanes.of(name);
    if (lane.pausedUntil > now.getTime())
      return { now, dueAt: new Date(lane.pausedUntil), isHeld: true };
    const isFree = !isBusy(lane) && !lane.hasMore && this.#running.size < maxInFlight;
    if (!isFree) {
      lane.hasMore = true;
      return { now, dueAt: now };
    }
    return { now, claim: this.#claim, dueAt: new Date(now.getTime() + 2 * startWithinMs) };
  }

  /** Sends a delivery that was stored with a lease of `admit`, to a recipient that was just read. */
  take(document: DeliveryDocument, recipient?: Recipient): void {
    if (document.claim !== this.#claim) {
      if (!isBusy(this.lanes.of(document.lane))) void this.poll();
      return;
    }
    const startBy = performance.now() + startWithinMs;
    this.#enqueue({ document, claim: this.#claim, startBy }, recipient);
  }

  /** Sends a delivery again. Null when there is none. */
  async replay(of: { userId: string; targetId: string; noticeId: string }) {
    const document = await this.#queue.replay(of, this.#now());
    void this.poll();
    return document;
  }

  /** Looks for due deliveries, once more if it is doing so already. Resolves when it has found none. */
  poll(): Promise<void> {
    this.#isPollWanted = true;
    return (this.#polling ??= this.#pollAll()
      .catch((error: unknown) => this.#log(error))
      .finally(() => (this.#polling = undefined)));
  }

  /** Resolves when nothing is due, and no attempt is running. */
  async idle(): Promise<void> {
    do {
      await this.poll();
      await Promise.all(this.#running);
    } while (this.#running.size > 0 || this.#polling);
  }

  async #pollAll(): Promise<void> {
    while (this.#isPollWanted && !this.#isStopping && this.#running.size < maxInFlight) {
      this.#isPollWanted = false;
      const now = this.#now();
      const found = await this.#queue.due(now, this.lanes.busy(now.getTime()), pageSize);
      const groups = Map.groupBy(found, ({ lane }) => lane);
      await Promise.all([...groups].map(([name, due]) => this.#claimIn(name, due, now)));
      // What other lanes have may come after this page.
      if (found.length === pageSize) this.#isPollWanted = true;
    }
  }

  async #claimIn(name: string, due: DeliveryDocument[], now: Date): Promise<void> {
    const lane = this.lanes.of(name);
    if (isBusy(lane)) return;
    // A server that was down gets one request, which finds out whether it still is.
    const size = lane.failures > 0 ? 1 : batchSize;
    lane.hasMore = due.length > size;
    lane.inFlight++;
    try {
      const startBy = performance.now() + startWithinMs;
      const { claim, documents } = await this.#queue.claim(due.slice(0, size), now);
      const claimed = documents.map((document) => ({ document, claim, startBy }));
      lane.waiting.push(...(await this.#oldestInstead(lane, claimed, now)));
    } finally {
      lane.inFlight--;
      this.#run(lane);
    }
  }

  /** To a server that is down the oldest goes first, whichever is due. */
  async #oldestInstead(lane: Lane, claimed: Claimed[], now: Date): Promise<Claimed[]> {
    const [first] = claimed;
    if (!first || lane.failures === 0 || lane.skipsOldest) return claimed;
    const oldest = await this.#queue.claimOldest(first.document, now);
    return oldest ? [{ ...oldest, startBy: first.startBy, inPlaceOf: first }] : claimed;
  }

  #enqueue(claimed: Claimed, recipient?: Recipient): void {
    const lane = this.lanes.of(claimed.document.lane);
    lane.waiting.push(claimed);
    this.#run(lane, recipient);
  }

  /** Starts attempts of a lane, as many as it may have at once. */
  #run(lane: Lane, recipient?: Recipient): void {
    while (lane.waiting.length > 0 && !this.#isStopping) {
      const { kind } = lane.waiting[0]!.document;
      if (lane.inFlight >= this.#parts.channels[kind].concurrency) return;
      const claimed = lane.waiting.shift()!;
      lane.inFlight++;
      const running = this.#attempt(lane, claimed, recipient)
        .catch((error: unknown) => this.#log(error))
        .finally(() => {
          lane.inFlight--;
          this.#running.delete(running);
          this.#run(lane);
        });
      this.#running.add(running);
    }
    if (isBusy(lane)) return;
    if (lane.hasMore) void this.poll();
    this.lanes.release(lane);
  }

  async #attempt(lane: Lane, claimed: Claimed, known?: Recipient): Promise<void> {
    const { document, claim, startBy } = claimed;
    const { _id: id, kind } = document;
    const isPaused = lane.pausedUntil > this.#now().getTime();
    if (isPaused)
      return this.#queue.postpone(id, claim, new Date(lane.pausedUntil), { isHeld: true });
    if (performance.now() > startBy) return this.#queue.giveBack(id, claim, this.#now());
    const { recipients, context, channels } = this.#parts;
    const means = { channel: channels[kind], recipients, context };
    const attempted = await attempt(document, means, known);
    countAttempt(this.#parts.meter, kind, attempted.result);
    await this.#endings.end(lane, claimed, attempted);
  }

  #log(error: unknown): void {
    this.#parts.context.logger.debug(`Deliveries could not be read or marked: ${codeOf(error)}.`);
  }
}
