/** Sales that market lost with its database, and that the notices of their sellers still describe. */
import type { LostSale, Sale } from "../contracts/market.ts";
import type { ItemDocument } from "./item.ts";
import { offered, revised } from "./offer.ts";
import type { Outbox } from "./outbox.ts";

/** The lost sale that a notice describes, to be checked by the contract. */
export const lostSaleOf = (sellerId: string, data: Record<string, unknown>): unknown => {
  const { saleId: id, itemId, title, price, currency, buyerId, soldAt } = data;
  return {
    id,
    itemId,
    title,
    price,
    currency,
    sellerId,
    soldAt,
    ...(buyerId !== undefined && { buyerId }),
  };
};

/** Its notice exists: it needs no delivery. */
const outbox: Outbox<"notice"> = {
  version: 1,
  entries: { notice: { state: "delivered", attempts: 0 } },
};

const saleFields = ({ id: saleId, buyerId, soldAt, currency }: Sale) => ({
  isSold: true,
  buyerId,
  saleId,
  soldAt,
  currency,
  outbox,
});

/** The condition and the update that sell an item again as it was sold: it may have been revised between the copy and the sale. */
export const resold = (item: ItemDocument, sale: Sale) => {
  const { title, description, sellerId } = item;
  const { $set } = revised(item, { title: sale.title, price: sale.price });
  return [
    { _id: sale.itemId, isSold: false, sellerId, title, description },
    { $set: { ...$set, ...saleFields(sale) } },
  ] as const;
};

/** The item of a sale, when the item is lost too. The notice does not have its description and its picture. */
export const remade = (sale: Sale): ItemDocument => {
  const { itemId: id, sellerId, currency, soldAt } = sale;
  const item = offered(sale, { id, sellerId, currency, now: new Date(soldAt) });
  return { ...item, ...saleFields(sale) };
};

/** Why a sale cannot be restored; undefined when it can, or when it is here already. */
export function conflictOf(item: ItemDocument | null, sale: LostSale): string | undefined {
  if (item && item.saleId === sale.id) return undefined;
  if (item && item.sellerId !== sale.sellerId) return "The item belongs to another seller.";
  if (item?.isSold) return `The item was sold again, in sale ${item.saleId}.`;
  return sale.buyerId === undefined ? "The notice does not name the buyer." : undefined;
}
