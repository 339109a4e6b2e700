import { randomUUID } from "node:crypto";
import { DeliveryDocument, deliveryKey } from "../../domain/delivery.ts";
import type { Store } from "../../store/store.ts";
import { finishedDeliveries } from "./finished.ts";

/** The lease of a claimed delivery, and when its attempt must have started (ms): an attempt takes up to 15 s. */
export const leaseMs = 30_000;
export const startWithinMs = 15_000;
/** No delivery waits longer for its next attempt (ms): a later due time comes from a wrong clock. */
const longestWaitMs = 25 * 3_600_000;

type Fields = Record<string, unknown>;

/** The order of what is due: as it became due, then as it was accepted. */
export const oldestFirst = { dueAt: 1, createdAt: 1, _id: 1 } as const;
export const deliveries = {
  name: "deliveries",
  document: DeliveryDocument,
  indexes: [
    { fields: ["dueAt", "createdAt", "_id"], partial: "dueAt" },
    { fields: ["lane", "createdAt", "_id"], partial: "dueAt" },
    { fields: ["userId", "targetId", "createdAt", "_id"] },
    { fields: ["createdAt", "_id"] },
  ],
  sweeps: (store: Store<DeliveryDocument>, keepDays: number) => [
    finishedDeliveries(store, keepDays),
  ],
};

/** The stored deliveries: what is due, and how attempts ended. */
export class DeliveryQueue {
  readonly #store: Store<DeliveryDocument>;

  constructor(store: Store<DeliveryDocument>) {
    this.#store = store;
  }

  /** Some that are due, the oldest first, without those of some lanes. */
  due(now: Date, except: string[], limit: number): Promise<DeliveryDocument[]> {
    const query = { dueAt: { $lte: now.toISOString() }, ...without(except) };
    return this.#store.find(query, { sort: oldestFirst, limit });
  }

  /** Leases those that no other node has claimed. */
  async claim(
    found: DeliveryDocument[],
    now: Date,
  ): Promise<{ claim: string; documents: DeliveryDocument[] }> {
    const claim = randomUUID();
    const ids = { _id: { $in: found.map(({ _id }) => _id) } };
    const dueAt = { $lte: now.toISOString() };
    const lease = { $set: { dueAt: after(now, leaseMs), claim } };
    const count = await this.#store.changeMany({ ...ids, dueAt }, lease);
    if (count === found.length) return { claim, documents: found };
    const documents =
      count > 0 ? await this.#store.find({ ...ids, claim }, { sort: oldestFirst }) : [];
    return { claim, documents };
  }

  /** Leases the oldest one that waits for the lane's server, if it is older than this one. */
  async claimOldest(than: DeliveryDocument, now: Date) {
    const waits = { lane: than.lane, dueAt: { $gt: "" }, isHeld: true, claim: null };
    const older = { ...waits, createdAt: { $lt: than.createdAt } };
    const order = { createdAt: 1, _id: 1 } as const;
    const [document] = await this.#store.find(older, { sort: order, limit: 1 });
    if (!document) return undefined;
    const claim = randomUUID();
    const unchanged = { _id: document._id, dueAt: document.dueAt, claim: null };
    const lease = { $set: { dueAt: after(now, leaseMs), claim } };
    return (await this.#store.change(unchanged, lease)) ? { claim, document } : undefined;
  }

  /** Due at once again, because it was not started. */
  async giveBack(id: string, claim: string, now: Date): Promise<void> {
    await this.#write(id, claim, { dueAt: now.toISOString() });
  }

  async postpone(id: string, claim: string, dueAt: Date, fields: Fields = {}): Promise<void> {
    await this.#write(id, claim, { dueAt: dueAt.toISOString(), ...fields });
  }

  async finish(
    id: string,
    claim: string,
    state: DeliveryDocument["state"],
    now: Date,
    reason?: string,
    attempts?: number,
  ) {
    const finishedAt = now.toISOString();
    await this.#store.change(
      { _id: id, claim },
      {
        $set: { state, finishedAt, reason, attempts },
        $unset: { dueAt: true, claim: true, isHeld: true },
      },
    );
  }

  async #write(id: string, claim: string, fields: Fields): Promise<void> {
    await this.#store.change({ _id: id, claim }, { $set: fields, $unset: { claim: true } });
  }

  /** The lane pauses: nothing of it is due before its end. */
  async hold(lane: string, until: Date): Promise<void> {
    await this.#store.changeMany(
      { lane, dueAt: { $lt: until.toISOString() }, claim: null },
      { $set: { dueAt: until.toISOString(), isHeld: true } },
    );
  }

  /** The lane's server answers again: all that waits for it is due, the oldest first. */
  async release(lane: string, now: Date): Promise<number> {
    return this.#store.changeMany(
      { lane, dueAt: { $gt: "" }, isHeld: true, claim: null },
      { $set: { dueAt: now.toISOString() }, $unset: { isHeld: true } },
    );
  }

  /** Gives up everything that waits in a lane. */
  async abandon(lane: string, now: Date, reason: string): Promise<void> {
    await this.#store.changeMany(
      { lane, dueAt: { $gt: "" }, claim: null },
      {
        $set: { state: "failed", finishedAt: now.toISOString(), reason },
        $unset: { dueAt: true, isHeld: true },
      },
    );
  }

  /** Whether the target has accepted a later delivery than this one. */
  async isAcceptedSince({ userId, targetId, createdAt }: DeliveryDocument): Promise<boolean> {
    const later = { userId, targetId: targetId ?? null, createdAt: { $gt: createdAt } };
    return (await this.#store.find({ ...later, state: "delivered" }, { limit: 1 })).length > 0;
  }

  /** Makes one of a user's deliveries due again, with all of its attempts. Null when there is none. */
  replay(of: { userId: string; targetId: string; noticeId: string }, now: Date) {
    return this.#store.change(
      { _id: deliveryKey("webhook", of.userId, of.noticeId, of.targetId) },
      {
        $set: { state: "pending", attempts: 0, dueAt: now.toISOString() },
        $unset: { claim: true, isHeld: true, finishedAt: true, reason: true },
      },
    );
  }

  /** A node that is the only one ends the leases of its predecessor. */
  endLeases(now: Date): Promise<number> {
    const leased = { dueAt: { $gt: "" }, claim: { $gt: "" } };
    return this.#store.changeMany(leased, {
      $set: { dueAt: now.toISOString() },
      $unset: { claim: true },
    });
  }

  /** Makes due what a wrong clock has set for much later, and ends its leases. */
  async straighten(now: Date): Promise<number> {
    const tooLate = { dueAt: { $gt: after(now, longestWaitMs) } };
    const tooLong = { dueAt: { $gt: after(now, 2 * leaseMs) }, claim: { $gt: "" } };
    const right = { $set: { dueAt: now.toISOString() }, $unset: { claim: true } };
    const late = await this.#store.changeMany(tooLate, right);
    return late + (await this.#store.changeMany(tooLong, right));
  }
}

const without = (lanes: string[]) => (lanes.length > 0 ? { lane: { $nin: lanes } } : {});
export const after = (now: Date, ms: number) => new Date(now.getTime() + ms).toISOString();
