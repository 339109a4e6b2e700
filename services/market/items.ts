import { ItemDocument } from "../../domain/item.ts";
import { outboxIndexes } from "../../mixins/outbox.ts";
import { creationIndex, usedKeys } from "../../store/insert-once.ts";
import type { Store } from "../../store/store.ts";
import { formerWordsIndex } from "./former-words.ts";
import { withdrawnItems } from "./withdrawn-items.ts";

/** The collection of items. Its indexes serve the queries of the market service and of its outbox. */
export const items = {
  name: "items",
  document: ItemDocument,
  indexes: [
    { fields: ["createdAt", "_id"] },
    { fields: ["isSold", "createdAt", "_id"] },
    { fields: ["sellerId", "createdAt", "_id", "isSold"] },
    { fields: ["price", "_id"] },
    { fields: ["isSold", "price", "_id"] },
    { fields: ["sellerId", "price", "_id", "isSold"] },
    { fields: ["words", "createdAt", "_id"] },
    formerWordsIndex,
    creationIndex,
    { fields: ["withdrawnAt"], sparse: true },
    { fields: ["sellerId", "soldAt", "_id"] },
    { fields: ["buyerId", "soldAt", "_id"], sparse: true },
    // All sales in their order, for `market.replay`.
    { fields: ["soldAt", "_id"], partial: "buyerId" },
    ...outboxIndexes,
  ],
  sweeps: (store: Store<ItemDocument>) => [withdrawnItems(store), usedKeys(store)],
};
