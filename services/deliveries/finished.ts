import type { DeliveryDocument } from "../../domain/delivery.ts";
import { daysBefore } from "../../domain/retention.ts";
import { paginate } from "../../store/pagination.ts";
import { stepSize, type Sweep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";

const oldestFirst = { field: "createdAt", direction: 1 } as const;

/** Removes deliveries that were accepted `keepDays` ago and wait for nothing. */
export const finishedDeliveries = (store: Store<DeliveryDocument>, keepDays: number): Sweep => ({
  what: `deliveries that are older than ${keepDays} days`,
  async next(cursor, now) {
    const old = { createdAt: { $lt: daysBefore(now, keepDays) } };
    const page = { limit: stepSize, ...(cursor !== undefined && { cursor }) };
    const { rows, nextCursor } = await paginate(store, old, oldestFirst, page);
    const ids = rows.filter(({ state }) => state !== "pending").map(({ _id }) => _id);
    // One that is replayed meanwhile stays.
    const over = { _id: { $in: ids }, dueAt: null };
    const removed = ids.length > 0 ? await store.removeMany(over, ids.length) : 0;
    return { removed, cursor: nextCursor };
  },
});
