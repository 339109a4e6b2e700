import type { Ordering } from "./cursor.ts";
import { askedWords } from "./words.ts";

export interface ItemFilter {
  search?: string;
  sellerId?: string;
  sold?: boolean;
}

/** The orderings of a list of items, by their names in the contract. */
export const orderings = {
  newest: { field: "createdAt", direction: -1 },
  price: { field: "price", direction: 1 },
  "-price": { field: "price", direction: -1 },
} as const satisfies Record<string, Ordering>;

/** The query of a list of items. Null when nothing can match, because the search has no words. */
export function itemsQuery(
  { search = "", sellerId, sold }: ItemFilter,
  { field }: Ordering = orderings.newest,
): object | null {
  const prefixes = askedWords(search);
  if (search.trim() && prefixes.length === 0) return null;
  const isFiltered = sellerId !== undefined || sold !== undefined || prefixes.length > 0;
  return {
    // Of all items, those that have a place in the order: withdrawn ones may have left a creation (domain/withdrawn.ts).
    ...(isFiltered ? {} : { [field]: { $gt: field === "price" ? 0 : "" } }),
    ...(sellerId === undefined ? {} : { sellerId }),
    ...(sold === undefined ? {} : { isSold: sold }),
    // A word has only letters, digits and combining marks, so it needs no escaping: not in a RegExp, and not in the
    // range of bytes by which a store may serve it. The anchor lets an index serve it.
    ...(prefixes.length > 0
      ? { $and: prefixes.map((prefix) => ({ words: new RegExp(`^${prefix}`) })) }
      : {}),
  };
}
