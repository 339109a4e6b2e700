import type { ItemDocument } from "../../domain/item.ts";
import { heldSince } from "../../domain/creation.ts";
import { emptied } from "../../domain/withdrawn.ts";
import type { Store } from "../../store/store.ts";

/** Withdraws an unsold item of its seller; false when there is none. One conditional write, two for an item that was offered with a key. */
export async function withdrawItem(
  store: Store<ItemDocument>,
  { id: _id, sellerId }: { id: string; sellerId: string },
): Promise<boolean> {
  const unsold = { _id, sellerId, isSold: false };
  const expired = heldSince(store.now());
  const isForgotten = { $or: [{ creation: null }, { "creation.at": { $lte: expired } }] };
  if (await store.remove({ ...unsold, ...isForgotten })) return true;
  if (!(await store.change(unsold, emptied(store.now())))) return false;
  // Each adds one and removes up to two, so there are never many.
  await removeEmptied(store, expired).catch(() => {});
  return true;
}

async function removeEmptied(store: Store<ItemDocument>, before: string): Promise<void> {
  for (let n = 0; n < 2; n++) await store.remove({ withdrawnAt: { $lt: before } });
}
