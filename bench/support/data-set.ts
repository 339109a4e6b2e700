/** Documents that a row needs before it starts, made by Souk's own domain functions. */
import { randomUUID } from "node:crypto";
import type { Collection } from "mongodb";
import type { ItemDocument } from "../../domain/item.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { newNotice, toNotification } from "../../domain/inbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";

export const ids = (count: number) => Array.from({ length: count }, () => randomUUID());

/** A title of which there are `count` items in a data set of any size. */
export const rare = { title: "Copper samovar", count: 30 };

const texts = { description: "Hammered by hand, a forearm wide.", price: 0 };
const by = { id: "", sellerId: "", currency: "EUR", now: new Date(0) };
/** Made once, because finding the words of a text takes longest. */
const [common, tenth, uncommon] = ["Brass tea tray", "Brass lamp stand", rare.title].map((title) =>
  offered({ ...texts, title }, by),
);
/** Two words that many items have, and none both: the search that reads the most. */
export const disjoint = "tray stand";

/** Items for sale, with the rare ones spread evenly, and a tenth of them lamp stands. A generator, because there may be a million. */
export function* forSale(
  count: number,
  sellerIds: string[],
  newestAt = Date.now(),
): Generator<ItemDocument> {
  const interval = Math.max(1, Math.floor(count / rare.count));
  const isRare = (n: number) => n % interval === 0 && n / interval < rare.count;
  for (let n = 0; n < count; n++)
    yield {
      ...(isRare(n) ? uncommon! : n % 10 === 5 ? tenth! : common!),
      _id: randomUUID(),
      price: 1_000 + (n % 5_000),
      sellerId: sellerIds[n % sellerIds.length]!,
      createdAt: new Date(newestAt - n).toISOString(),
    };
}

/** Items that were sold an hour ago and whose notices are not delivered. */
export function* undelivered(count: number, sellerIds: string[]): Generator<ItemDocument> {
  for (const item of forSale(count, sellerIds, Date.now() - 3_600_000)) {
    const at = new Date(item.createdAt);
    yield {
      ...item,
      ...sold(randomUUID(), randomUUID(), at, newOutbox({ notice: at })).$set,
    };
  }
}

/** Sale notices in one inbox, newest first. The first `unread` of them are unread. */
export function* noticesOf(
  userId: string,
  count: number,
  unread: number,
): Generator<NoticeDocument> {
  for (let n = 0; n < count; n++) {
    const [itemId, saleId, now] = [randomUUID(), randomUUID(), new Date(Date.now() - n)];
    const data = {
      itemId,
      saleId,
      title: "Brass tea tray",
      price: 4_500,
      currency: "EUR",
      soldAt: now.toISOString(),
    };
    const notice = newNotice(
      { userId, id: saleId, type: "sale", text: `Item #${itemId} was sold!`, data },
      saleId,
      now,
    );
    yield { ...notice, isRead: n >= unread };
  }
}

/** The inbox as a socket receives it. */
export const inboxOf = (notices: Iterable<NoticeDocument>): Inbox => {
  const notifications = [...notices].map((notice) => ({
    ...toNotification(notice),
    isRead: notice.isRead,
  }));
  return { notifications, unread: notifications.length, nextCursor: null };
};

/** Inserts in batches of a thousand, two at a time. */
export async function fill<Doc extends { _id: string }>(
  collection: Collection<Doc>,
  docs: Iterable<Doc>,
): Promise<void> {
  const rest = docs[Symbol.iterator]();
  const nextBatch = () => {
    const batch: Doc[] = [];
    for (let next; batch.length < 1_000 && !(next = rest.next()).done;) batch.push(next.value);
    return batch;
  };
  const writer = async () => {
    for (let batch = nextBatch(); batch.length > 0; batch = nextBatch())
      // The driver's type of a document to insert has an optional _id, which a generic document type does not satisfy.
      await collection.insertMany(batch as never, {
        ordered: false,
        writeConcern: { w: 1, journal: false },
      });
  };
  await Promise.all([writer(), writer()]);
}
