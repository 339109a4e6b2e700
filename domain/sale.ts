import type { ErrorCode } from "../contracts/errors.ts";
import { newDebt } from "./outbox.ts";
import type { Item, Sale } from "../contracts/market.ts";
import type { ItemDocument } from "./item.ts";

/** What must hold for the sale to happen. With `price`, the buyer pays what they saw or nothing. */
export const sellable = (id: string, buyerId: string, price?: number) => ({
  _id: id,
  isSold: false,
  sellerId: { $ne: buyerId },
  ...(price === undefined ? {} : { price }),
});

/** The sale, and the notice it owes: one write, so that there is never one without the other. */
export const sold = (buyerId: string, saleId: string, now: Date, notice = newDebt(now)) => ({
  $set: { isSold: true, buyerId, saleId, soldAt: now.toISOString(), notice },
});

/** Why a buy matched nothing, judged by the item as it is now: the sale if it is the buyer's own already, else an error's code. */
export function whyNotSold(
  item: ItemDocument | null,
  buyerId: string,
  price?: number,
): { saleId: string } | ErrorCode {
  if (!item) return "ITEM_NOT_FOUND";
  if (item.sellerId === buyerId) return "OWN_ITEM";
  if (item.isSold)
    return item.buyerId === buyerId && item.saleId ? { saleId: item.saleId } : "ITEM_SOLD";
  if (price !== undefined && price !== item.price) return "PRICE_CHANGED";
  // It is for sale: what stood in the way is gone by now, and trying again will tell.
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
  } = document;
  return { id, title, description, price, currency, imageUrl, sellerId, isSold, createdAt, soldAt };
};

/** Of a sold item. */
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
  if (!saleId || !buyerId || !soldAt) throw new Error(`Item ${itemId} is not sold`);
  return { id: saleId, itemId, title, price, currency, sellerId, buyerId, soldAt };
};

/** What the seller is told; its id is the sale's, so that telling twice is telling once. */
export const saleNotice = ({ sellerId, ...sale }: Sale) => {
  const { id: saleId, itemId, title, price, currency, soldAt } = sale;
  return {
    id: saleId,
    userId: sellerId,
    type: "sale",
    text: `Item #${itemId} was sold!`,
    data: { itemId, saleId, title, price, currency, soldAt },
  };
};
