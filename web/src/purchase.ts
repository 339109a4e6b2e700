import type { Item } from "../../contracts/market.ts";
import { isUnavailable, errorText } from "./error-messages.ts";
import { patch } from "./item-cache.ts";
import { formatPrice } from "./prices.ts";
import { reportFailure } from "./outages.ts";
import { souk, SoukError } from "./souk.ts";
import { t } from "./texts.ts";

export interface PurchaseResult {
  outcome:
    | "bought"
    | "sold"
    | "own"
    | "priceChanged"
    | "changed"
    | "withdrawn"
    | "unavailable"
    | "refused"
    | "signInFirst";
  text: string;
}

/** Buys an item as it is shown. Does not throw. */
export async function purchase(item: Item): Promise<PurchaseResult> {
  const { id, price, revision } = item;
  try {
    await souk.buy(id, { price, revision });
    patch(id, { isSold: true });
    return { outcome: "bought", text: t.buy.bought };
  } catch (error) {
    return failedPurchase(error, id);
  }
}

async function failedPurchase(error: unknown, id: string): Promise<PurchaseResult> {
  switch (error instanceof SoukError ? error.code : undefined) {
    case "UNAUTHENTICATED":
      return { outcome: "signInFirst", text: "" };
    case "ITEM_SOLD":
      patch(id, { isSold: true });
      return { outcome: "sold", text: t.buy.sold };
    case "OWN_ITEM":
      return { outcome: "own", text: t.item.own };
    case "ITEM_NOT_FOUND":
      return { outcome: "withdrawn", text: t.buy.removed };
    case "PRICE_CHANGED":
      return priceChanged(id);
    case "ITEM_CHANGED":
      return changed(id);
  }
  if (!isUnavailable(error)) return { outcome: "refused", text: errorText(error) };
  reportFailure();
  return { outcome: "unavailable", text: t.buy.unavailable };
}

async function priceChanged(id: string): Promise<PurchaseResult> {
  const outcome = "priceChanged";
  const item = await souk.item(id).catch(() => undefined);
  if (!item) return { outcome, text: t.buy.priceChangedReload };
  patch(id, item);
  return { outcome, text: t.buy.priceChanged(formatPrice(item.price, item.currency)) };
}

/** The page shows the item as it is now, and the buyer decides again. */
async function changed(id: string): Promise<PurchaseResult> {
  const outcome = "changed";
  const item = await souk.item(id).catch(() => undefined);
  if (!item) return { outcome, text: t.buy.changedReload };
  patch(id, item);
  return { outcome, text: t.buy.changed };
}
