import type { Ordering } from "./cursor.ts";
import { words } from "./words.ts";

export interface Wanted {
  search?: string;
  sellerId?: string;
  sold?: boolean;
}

/** The ways a list of items can be sorted, by the name the contract gives them. */
export const orderings = {
  newest: { field: "createdAt", direction: -1 },
  price: { field: "price", direction: 1 },
  "-price": { field: "price", direction: -1 },
} as const satisfies Record<string, Ordering>;

/** The query for the items a visitor wants; null when nothing can match: a search without a word in it. */
export function wanted({ search = "", sellerId, sold }: Wanted): object | null {
  const prefixes = words(search);
  if (search.trim() && prefixes.length === 0) return null;
  return {
    ...(sellerId === undefined ? {} : { sellerId }),
    ...(sold === undefined ? {} : { isSold: sold }),
    // A word is letters and digits, so that it needs no escaping; anchored, so that an index serves it.
    ...(prefixes.length > 0
      ? { $and: prefixes.map((prefix) => ({ words: new RegExp(`^${prefix}`) })) }
      : {}),
  };
}
