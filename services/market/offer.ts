import { randomUUID } from "node:crypto";
import { badData } from "../../broker/refusal.ts";
import type { Item } from "../../contracts/market.ts";
import { isPictureUrl } from "../../contracts/picture-url.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { offered, type Offer } from "../../domain/offer.ts";
import { toItem } from "../../domain/sale.ts";
import { insertOnce } from "../../store/insert-once.ts";
import type { Store } from "../../store/store.ts";

/** Returns the params. Throws BAD_DATA for a picture that browsers cannot load. */
export function checkPicture<P extends Pick<Partial<Offer>, "imageUrl">>(params: P): P {
  const { imageUrl } = params;
  if (imageUrl && !isPictureUrl(imageUrl))
    throw badData([{ field: "imageUrl", message: "must be a URL without user and password" }]);
  return params;
}

/** Stores an item for sale by one insert. With an idempotency key, a repetition is answered as the first request was. */
export async function offerItem(
  store: Store<ItemDocument>,
  params: Offer & { idempotencyKey?: string },
  by: { sellerId: string; currency: string; now: Date },
): Promise<Item> {
  const item = offered(checkPicture(params), { id: randomUUID(), ...by });
  const stored = await insertOnce(store, item, { userId: by.sellerId, params });
  // The stored item may be that of an earlier request, and changed or withdrawn since. Its offer was as this one.
  const { _id, currency, creation } = stored;
  return toItem({ ...item, _id, currency, createdAt: creation?.at ?? item.createdAt });
}
