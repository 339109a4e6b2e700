import { codeOf } from "../../broker/refusal.ts";
import { waitAfter, type DeliveryDocument } from "../../domain/delivery.ts";
import type { Attempted } from "./attempt.ts";
import type { Claimed, Lane, Lanes } from "./lanes.ts";
import type { DeliveryQueue } from "./queue.ts";
import type { Parts } from "./parts.ts";

/** The wait after an attempt that was none, because a service of Souk was unavailable (ms). */
const unavailableMs = 5_000;

/** Writes how attempts ended. */
export class Endings {
  readonly #queue: DeliveryQueue;
  readonly #lanes: Lanes;
  readonly #parts: Pick<Parts, "channels" | "context">;

  constructor(queue: DeliveryQueue, lanes: Lanes, parts: Pick<Parts, "channels" | "context">) {
    [this.#queue, this.#lanes, this.#parts] = [queue, lanes, parts];
  }

  #now(): Date {
    return this.#parts.context.now();
  }

  async end(lane: Lane, claimed: Claimed, attempted: Attempted): Promise<void> {
    const { result } = attempted;
    const { document, claim, inPlaceOf: due } = claimed;
    if (!due) return this.#end(lane, document, claim, attempted);
    if (result.state !== "retry") {
      await this.#queue.postpone(due.document._id, due.claim, this.#now(), { isHeld: true });
      return this.#end(lane, document, claim, attempted);
    }
    await this.#queue.postpone(document._id, claim, new Date(document.dueAt!));
    return this.#retry(lane, due.document, due.claim, attempted, result);
  }

  async #end(lane: Lane, document: DeliveryDocument, claim: string, attempted: Attempted) {
    const { result } = attempted;
    const { _id: id } = document;
    const now = this.#now();
    switch (result.state) {
      case "delivered":
        await this.#queue.finish(id, claim, "delivered", now);
        return this.#succeeded(lane, document);
      case "dropped":
        return this.#queue.finish(id, claim, "dropped", now, result.reason);
      case "refused":
        return this.#queue.finish(id, claim, "failed", now, result.reason);
      case "quiet":
        return this.#queue.postpone(id, claim, result.until);
      case "gone":
        return this.#giveUp(lane, document, claim, attempted, result.reason);
      case "retry":
        return this.#retry(lane, document, claim, attempted, result);
    }
  }

  /** The server accepted something that it had not accepted before: all that waits for it is due. */
  async #succeeded(lane: Lane, { attempts, isHeld }: DeliveryDocument): Promise<void> {
    const wasDown = this.#lanes.succeeded(lane) || attempts > 0 || isHeld;
    if (wasDown && (await this.#queue.release(lane.name, this.#now())) > 0) lane.hasMore = true;
  }

  async #retry(
    lane: Lane,
    document: DeliveryDocument,
    claim: string,
    attempted: Attempted,
    {
      reason,
      afterMs = 0,
      isDown = false,
      isAttempt = true,
      mayBeMessage = false,
    }: Attempted["result"] & { state: "retry" },
  ): Promise<void> {
    const now = this.#now();
    const attempts = document.attempts + Number(isAttempt);
    const wait = isAttempt ? waitAfter({ ...document, attempts }, now) : unavailableMs;
    lane.skipsOldest = mayBeMessage && !lane.skipsOldest;
    if (wait === undefined)
      return this.#exhausted(lane, { ...document, attempts }, claim, attempted, reason);
    const dueAt = new Date(now.getTime() + Math.max(wait, afterMs));
    // Held: it is due as soon as the server accepts another delivery.
    await this.#queue.postpone(document._id, claim, dueAt, { attempts, reason, isHeld: isDown });
    if (!isDown) return;
    this.#lanes.failed(lane, now.getTime());
    if (lane.pausedUntil > now.getTime())
      await this.#queue.hold(lane.name, new Date(lane.pausedUntil));
  }

  /** The last attempt failed. A target that has accepted others since then is not given up. */
  async #exhausted(
    lane: Lane,
    document: DeliveryDocument,
    claim: string,
    attempted: Attempted,
    reason: string,
  ): Promise<void> {
    if (!(await this.#queue.isAcceptedSince(document)))
      return this.#giveUp(lane, document, claim, attempted, reason);
    const { _id: id, attempts } = document;
    await this.#queue.finish(id, claim, "failed", this.#now(), reason, attempts);
  }

  /** The target accepts nothing any more: the channel removes it, and what waits for it is given up. */
  async #giveUp(
    lane: Lane,
    document: DeliveryDocument,
    claim: string,
    { target, context }: Attempted,
    reason: string,
  ): Promise<void> {
    const channel = this.#parts.channels[document.kind];
    if (target && context && channel.giveUp) {
      try {
        await channel.giveUp(target, reason, document.userId, context);
      } catch (error) {
        context.logger.warn(`${document._id} could not be given up: ${codeOf(error)}.`);
        const later = new Date(this.#now().getTime() + unavailableMs);
        return this.#queue.postpone(document._id, claim, later);
      }
    }
    const { _id: id, attempts } = document;
    await this.#queue.finish(id, claim, "failed", this.#now(), reason, attempts);
    if (channel.isLaneOfTarget) await this.#queue.abandon(lane.name, this.#now(), reason);
  }
}
