/** The collections of each service, with the indexes that earlier versions had and this one does not use. */
import { deliveries } from "../../services/deliveries/queue.ts";
import { items } from "../../services/market/items.ts";
import { notices } from "../../services/notifications/inbox.ts";
import { recipients } from "../../services/notifications/recipients.ts";
import { accounts } from "../../services/users/accounts.ts";
import type { Collection, Index } from "../../store/store.ts";
import type { Owner } from "./settings.ts";

/** test/unit/doctor.test.ts compares them with the collections that the services open. */
export const collections: Record<Owner, Collection[]> = {
  deliveries: [deliveries],
  market: [items],
  notifications: [notices, recipients],
  users: [accounts],
};

/** By the name of the collection: indexes of version 0.1.0. */
export const superseded: Record<string, Index[]> = {
  items: [
    { fields: ["sellerId", "createdAt", "_id"] },
    { fields: ["sellerId", "price", "_id"] },
    { fields: ["saleId"], unique: true, sparse: true },
  ],
};
