import { heldSince } from "../../domain/creation.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { stepSize, type Sweep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";

/** Removes what is left of withdrawn items, a day after they were withdrawn. */
export const withdrawnItems = (store: Store<ItemDocument>): Sweep => ({
  what: "withdrawn items",
  async next(_cursor, now) {
    const removed = await store.removeMany({ withdrawnAt: { $lt: heldSince(now) } }, stepSize);
    return { removed, cursor: removed < stepSize ? null : "" };
  },
});
