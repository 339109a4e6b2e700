import type { Conflict, LostSale, Sale } from "../../contracts/market.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { conflictOf, remade, resold } from "../../domain/lost-sale.ts";
import { present } from "../../domain/withdrawn.ts";
import { DuplicateKey, type Store } from "../../store/store.ts";

/** How often a sale is tried while concurrent writes change its item. */
const maxTries = 20;

/** Restores lost sales, each by one conditional write. Idempotent. */
export async function restoreSales(store: Store<ItemDocument>, sales: LostSale[]) {
  const outcomes = await Promise.all(sales.map((sale) => restoreSale(store, sale)));
  const conflicts = sales.flatMap(({ id: saleId, itemId }, n): Conflict[] => {
    const outcome = outcomes[n]!;
    return typeof outcome === "string" ? [{ saleId, itemId, reason: outcome }] : [];
  });
  return { restored: outcomes.filter((outcome) => outcome === true).length, conflicts };
}

/** Whether it was restored now; false when it is here already, and the reason when it cannot be restored. */
async function restoreSale(store: Store<ItemDocument>, sale: LostSale): Promise<boolean | string> {
  for (let tries = 0; tries < maxTries; tries++) {
    const item = await store.one({ _id: sale.itemId, ...present });
    const conflict = conflictOf(item, sale);
    if (conflict !== undefined) return conflict;
    if (item?.saleId === sale.id) return false;
    // There is no conflict, so the buyer is known.
    if (await sell(store, item, sale as Sale)) return true;
  }
  return "The item is changed all the time.";
}

/** False when another write was first. */
async function sell(
  store: Store<ItemDocument>,
  item: ItemDocument | null,
  sale: Sale,
): Promise<boolean> {
  if (item) return (await store.change(...resold(item, sale))) !== null;
  try {
    await store.insert(remade(sale));
    return true;
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error;
    await store.remove({ _id: sale.itemId, withdrawnAt: { $gt: "" } });
    return false;
  }
}
