import type { ErrorCode } from "../contracts/errors.ts";
import type { Item, Sale } from "../contracts/market.ts";
import { contained } from "./bidi.ts";
import type { ItemDocument } from "./item.ts";
import type { Outbox } from "./outbox.ts";

/** What the buyer saw. The item is sold only at this price and as this revision; without them, as it is. */
export interface Seen {
  price?: number;
  revision?: number;
}

/** The condition of a sale. An item that was never changed has no revision. */
export const sellable = (id: string, buyerId: string, { price, revision }: Seen) => ({
  _id: id,
  isSold: false,
  sellerId: { $ne: buyerId },
  ...(price === undefined ? {} : { price }),
  ...(revision === undefined ? {} : { revision: revision === 0 ? { $exists: false } : revision }),
});

/** The sale and the seller's notice in the outbox: one write, so that neither exists without the other. */
export const sold = (buyerId: string, saleId: string, now: Date, outbox: Outbox<"notice">) => ({
  $set: { isSold: true, buyerId, saleId, soldAt: now.toISOString(), outbox },
});

/** Why a buy matched nothing, judged by the item's present state: the caller's own earlier sale, or an error code. */
export function whyNotSold(
  item: ItemDocument | null,
  buyerId: string,
  { price, revision }: Seen = {},
): { saleId: string } | ErrorCode {
  if (!item) return "ITEM_NOT_FOUND";
  if (item.sellerId === buyerId) return "OWN_ITEM";
  if (item.isSold)
    return item.buyerId === buyerId && item.saleId ? { saleId: item.saleId } : "ITEM_SOLD";
  if (price !== undefined && price !== item.price) return "PRICE_CHANGED";
  if (revision !== undefined && revision !== (item.revision ?? 0)) return "ITEM_CHANGED";
  // It is for sale now. The obstacle is gone, so a retry can succeed.
  return "UNAVAILABLE";
}

/** Why a seller's change matched nothing. */
export function whyNotChanged(item: ItemDocument | null, sellerId: string): ErrorCode {
  if (!item) return "ITEM_NOT_FOUND";
  if (item.sellerId !== sellerId) return "FORBIDDEN";
  return item.isSold ? "ITEM_SOLD" : "UNAVAILABLE";
}

export const toItem = (document: ItemDocument): Item => {
  const {
    _id: id,
    title,
    description,
    price,
    currency,
    imageUrl,
    sellerId,
    isSold,
    createdAt,
    soldAt,
    revision = 0,
  } = document;
  const texts = { title: contained(title), description: contained(description) };
  return { id, ...texts, price, currency, imageUrl, sellerId, isSold, createdAt, soldAt, revision };
};

/** The sale of a sold item. Throws for an unsold one. */
export const toSale = ({
  _id: itemId,
  saleId,
  title,
  price,
  currency,
  sellerId,
  buyerId,
  soldAt,
}: ItemDocument): Sale => {
  if (!saleId || !buyerId || !soldAt) throw new Error(`Item ${itemId} is not sold.`);
  return {
    id: saleId,
    itemId,
    title: contained(title),
    price,
    currency,
    sellerId,
    buyerId,
    soldAt,
  };
};

/** The query for all sales since an instant, in the partial index of sold items. */
export const salesSince = (since: string) => ({ buyerId: { $gt: "" }, soldAt: { $gte: since } });

/** The seller's notice. It has the sale's id, so that a second delivery is a duplicate. */
export const saleNotice = ({ sellerId, ...sale }: Sale) => {
  const { id: saleId, itemId, title, price, currency, buyerId, soldAt } = sale;
  return {
    id: saleId,
    userId: sellerId,
    type: "sale",
    text: `Item #${itemId} was sold!`,
    data: { itemId, saleId, title, price, currency, buyerId, soldAt },
  };
};
