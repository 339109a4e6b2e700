import type { ItemDocument } from "./item.ts";
import { words } from "./words.ts";

export interface Offer {
  title: string;
  description?: string;
  price: number;
  imageUrl?: string | null;
}

/** A new item, for sale. */
export function offered(
  offer: Offer,
  by: { id: string; sellerId: string; currency: string; now: Date },
): ItemDocument {
  const { title, description = "", price, imageUrl = null } = offer;
  return {
    _id: by.id,
    v: 1,
    title: title.trim(),
    description: description.trim(),
    price,
    currency: by.currency,
    imageUrl,
    sellerId: by.sellerId,
    isSold: false,
    createdAt: by.now.toISOString(),
    soldAt: null,
    words: words(`${title} ${description}`),
  };
}

/** The update that revises an item, with the words of its new text. */
export function revised(item: ItemDocument, change: Partial<Offer>) {
  const given = Object.fromEntries(
    Object.entries(change).map(([field, value]) => [
      field,
      typeof value === "string" ? value.trim() : value,
    ]),
  ) as Partial<Offer>;
  const { title = item.title, description = item.description } = given;
  return { $set: { ...given, words: words(`${title} ${description}`) } };
}
