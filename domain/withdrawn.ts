/**
 * Items that were offered with an idempotency key and withdrawn. For a day their documents stay without any field that a list, a sale
 * or a revision looks for, so that the offer is not made again when it is repeated (store/insert-once.ts).
 */
import { ItemDocument } from "./item.ts";

/** What is left: what the answer to the offer was made of, except for the request itself. */
const kept = ["_id", "v", "currency", "creation", "withdrawnAt"];
const emptiedFields = Object.keys(ItemDocument.properties).filter((name) => !kept.includes(name));

/** The update that empties an item. */
export const emptied = (now: Date) => ({
  $set: { withdrawnAt: now.toISOString() },
  $unset: Object.fromEntries(emptiedFields.map((name) => [name, true])),
});

/** The condition that an item has not been withdrawn. */
export const present = { withdrawnAt: null };
