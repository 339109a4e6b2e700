import { contained } from "./bidi.ts";
import type { ItemDocument } from "./item.ts";
import { formerWords, storedWords } from "./words.ts";

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
  return withWords({
    _id: by.id,
    v: 1,
    title: contained(title).trim(),
    description: contained(description).trim(),
    price,
    currency: by.currency,
    imageUrl,
    sellerId: by.sellerId,
    isSold: false,
    createdAt: by.now.toISOString(),
    soldAt: null,
  });
}

/** An item with the words of its texts. An item of version 0.1.0 has the words of another rule: an import passes it through this. */
export const withWords = <Texts extends { title: string; description: string }>(item: Texts) => ({
  ...item,
  words: storedWords(item),
});

/** The update that revises an item, with the words of its new text. */
export function revised(item: ItemDocument, change: Partial<Offer>) {
  const given = Object.fromEntries(
    Object.entries(change).map(([field, value]) => [
      field,
      typeof value === "string" ? contained(value).trim() : value,
    ]),
  ) as Partial<Offer>;
  const { title = item.title, description = item.description } = given;
  return {
    $set: { ...given, words: storedWords({ title, description }) },
    $inc: { revision: 1 },
  };
}

/** The condition and the update that replace the words which version 0.1.0 stored, unless the item is revised first. */
export const refolded = ({ _id, title, description }: ItemDocument) =>
  [
    { _id, title, description, ...formerWords },
    { $set: { words: storedWords({ title, description }) } },
  ] as const;
