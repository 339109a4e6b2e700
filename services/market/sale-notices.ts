import type { ItemDocument } from "../../domain/item.ts";
import { saleNotice, toSale } from "../../domain/sale.ts";
import type { Kind } from "../../outbox/kind.ts";

/** The notices to sellers, in the outbox of their sold items. */
export const saleNotices: Kind<ItemDocument> = {
  action: "notifications.notify",
  message: (item) => saleNotice(toSale(item)),
  since: ({ soldAt }) => soldAt ?? undefined,
  batch: { action: "notifications.notifyAll", params: (notices) => ({ notices }) },
};
