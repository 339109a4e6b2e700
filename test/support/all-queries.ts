/** Calls every action of the services with every kind of params, and passes on each query to a store. */
import { randomUUID } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import pLimit from "p-limit";
import type { Inbox } from "../../contracts/notifications.ts";
import type { Session } from "../../contracts/users.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { cursorAfter } from "../../domain/cursor.ts";
import { newNotice, oldestFirst } from "../../domain/inbox.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";
import type { FormerWords } from "../../services/market/former-words.ts";
import type { Inbox as NotificationInbox } from "../../services/notifications/inbox.ts";
import type { Adapter, Store } from "../../store/store.ts";

export const owners = ["market", "notifications", "users"] as const;
export type Owner = (typeof owners)[number];
/** A query as an adapter receives it. */
export interface Recorded {
  query: Record<string, unknown>;
  sort?: string[];
  limit?: number;
}
/** Receives each query before it is run. `shape` is the same for queries that differ in their values only. */
export type Recorder = (owner: Owner, shape: string, asked: Recorded) => Promise<void>;

/** A search reads the documents that match its words, and sorts them: decision 013 says why. */
export const isSearch = (shape: string) => shape.includes("prefix");

/** A query by ids, or by a unique field, reads one document for each. Of several plans MongoDB takes the one that ends first. */
export const isLookup = ({ query }: Recorded) =>
  typeof query._id === "string" ||
  typeof query.email === "string" ||
  "$in" in ((query._id as object | undefined) ?? {});

/**
 * Documents are read for these conditions, and nearly always match: they only exclude entries that another version
 * of Souk wrote, and notices of the very instant at which a user's reading ends; every sold item has a buyer, and
 * the indexes of marks have an entry for each mark, of which there are few.
 */
export const isRarelyFalse = (shape: string, fault: string) =>
  (shape.includes("outbox.entries.") && /documents for (outbox\.entries\.|\$and)/.test(fault)) ||
  (shape.includes("isRead") && fault.endsWith("documents for $or")) ||
  (shape.includes("soldAt") && fault.endsWith("documents for buyerId")) ||
  (shape.includes("readUntil") && /(the range of readUntil|documents for userId)$/.test(fault));

let broker: ServiceBroker;
/** Before everything that the services store here. */
const yesterday = new Date(Date.now() - 86_400_000).toISOString();

const service = (name: Owner) =>
  broker.getLocalService(name) as Service & {
    adapter: Adapter;
    store: Store<ItemDocument>;
    reconcile(): Promise<void>;
    inbox: NotificationInbox;
    formerWords: FormerWords;
  };
const call = <T>(action: string, params: object, user?: string) =>
  broker.call<T, object>(action, params, { meta: user ? { user: { id: user } } : {} });

/** The fields and operators of a query, without their values. */
const shapeOf = (query: unknown): unknown => {
  if (Array.isArray(query)) return query.map(shapeOf);
  if (query instanceof RegExp) return "prefix";
  if (query === null || typeof query !== "object") return "";
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, key === "$in" ? "" : shapeOf(value)]),
  );
};

/** Calls `record` before each operation of an adapter that has a query. */
function listenTo(adapter: Adapter, record: (asked: Recorded) => unknown) {
  const { find, findOne, count, updateOne, updateMany, removeOne } = adapter;
  const whole =
    <Rest extends unknown[], R>(
      operation: (this: Adapter, query: Recorded["query"], ...rest: Rest) => Promise<R>,
    ) =>
    async (query: Recorded["query"], ...rest: Rest) => {
      await record({ query });
      return operation.call(adapter, query, ...rest);
    };
  Object.assign(adapter, {
    find: async (filters: Recorded) => (await record(filters), find.call(adapter, filters)),
    count: async (filters: Recorded) => (await record(filters), count.call(adapter, filters)),
    findOne: whole(findOne),
    updateOne: whole(updateOne),
    updateMany: whole(updateMany),
    removeOne: whole(removeOne),
  });
}

/** `on` runs all services. The collections are not empty when the queries run. */
export async function callEverything(on: ServiceBroker, record: Recorder): Promise<void> {
  broker = on;
  for (const name of owners) {
    const { adapter } = service(name);
    await adapter.ping();
    listenTo(adapter, ({ query, sort, limit }) =>
      record(name, JSON.stringify([shapeOf(query), sort]), { query, sort, limit }),
    );
  }
  await people();
  await market();
  await notices();
}

async function people() {
  const email = `${randomUUID()}@souk.test`;
  const [password, newPassword] = ["correct horse", "battery staple"];
  const { user } = await call<Session>("users.register", { email, password, name: "Anna" });
  const { refreshToken } = await call<Session>("users.login", { email, password });
  const { refreshToken: next } = await call<Session>("users.refresh", { refreshToken });
  await call("users.logout", { refreshToken: next }, user.id);
  await call("users.changePassword", { password, newPassword }, user.id);
  await call("users.me", {}, user.id);
  await call("users.profile", { id: user.id });
  await call("users.ended", {});
  await call("users.replay", { since: yesterday });
}

async function market() {
  const [seller, now] = [randomUUID(), new Date()];
  const refusedAt = now.toISOString();
  const entry = { state: "refused", attempts: 1, refusedAt, reason: "data is too large" } as const;
  const refused = { version: 1, refusedAt, entries: { notice: entry } };
  const items = Array.from({ length: 300 }, (_, n) => {
    // Several share an instant.
    const made = new Date(now.getTime() - 1000 * Math.floor(n / 5));
    const item = offered(
      { title: `Tray ${n}`, price: 1 + (n >> 1) },
      { id: randomUUID(), sellerId: n % 3 ? seller : randomUUID(), currency: "EUR", now: made },
    );
    if (n % 2) return item;
    const outbox = item.price > 100 ? refused : newOutbox({ notice: now });
    return { ...item, ...sold("bob", randomUUID(), made, outbox).$set };
  });
  await Promise.all(items.map((item) => service("market").store.insert(item)));

  const pages = async (action: string, params: object, user?: string) => {
    const { nextCursor } = await call<{ nextCursor: string | null }>(
      action,
      { ...params, limit: 2 },
      user,
    );
    if (nextCursor) await call(action, { ...params, limit: 2, cursor: nextCursor }, user);
  };
  for (const sort of ["newest", "price", "-price"])
    for (const whose of [{}, { sellerId: seller }])
      for (const which of [{}, { sold: true }, { sold: false }])
        for (const search of [{}, { search: "tray" }, { search: "tray 1" }])
          await pages("market.items", { sort, ...whose, ...which, ...search });
  await pages("market.purchases", {}, "bob");
  await pages("market.sales", {}, seller);
  await pages("market.outbox", { state: "pending" });
  await pages("market.outbox", { state: "refused" });
  const refusedItem = items.find(({ isSold, price }) => isSold && price > 100)!;
  await call("market.replay", { id: refusedItem._id });
  await call("market.replay", {});
  const { id } = await call<{ id: string }>("market.offer", { title: "Rug", price: 5 }, seller);
  await call("market.item", { id });
  await call("market.revise", { id, price: 6 }, seller);
  await call("market.withdraw", { id }, seller);
  const keyed = { title: "Rug", price: 5, idempotencyKey: "k" };
  for (let n = 0; n < 2; n++) {
    const { id } = await call<{ id: string }>("market.offer", keyed, seller);
    if (n > 0) await call("market.withdraw", { id }, seller);
  }
  await service("market").store.insert({ ...items[1]!, _id: randomUUID(), words: ["tray"] });
  await service("market").formerWords.rewrite();
  const [one, two] = items.filter(({ isSold }) => !isSold);
  await call("market.buy", { id: one!._id }, "carol");
  await call("market.buy", { id: one!._id, price: one!.price }, "carol");
  await call("market.buy", { id: two!._id, price: two!.price }, "carol");
  const sale = items.find(({ isSold }) => isSold)!;
  const cursor = cursorAfter(sale, { field: "soldAt", direction: 1 });
  for (const from of [{}, { cursor }]) await call("market.replay", { since: yesterday, ...from });
  // The relay delivers the replayed entries.
  await eventually(async () =>
    expect((await call<{ count: number }>("market.outbox", { state: "refused" })).count).toBe(0),
  );
}

async function notices() {
  const userId = randomUUID();
  const id = randomUUID();
  for (let n = 0; n < 5; n++) await call("notifications.notify", { userId, text: `Hello ${n}` });
  for (let n = 0; n < 2; n++) await call("notifications.notify", { id, userId, text: "Hello" });
  for (const which of [{}, { unread: true }, { unread: false }]) {
    const { nextCursor } = await call<Inbox>("notifications.inbox", { ...which, limit: 2 }, userId);
    if (nextCursor)
      await call("notifications.inbox", { ...which, limit: 2, cursor: nextCursor }, userId);
  }
  await Promise.all(
    [userId, randomUUID()].map((id) => service("notifications").inbox.newestUnread(id)),
  );
  await call("notifications.read", { ids: [id] }, userId);
  await call("notifications.read", { all: true, until: id }, userId);
  await call("notifications.read", { all: true }, userId);
  await largeInbox();
  await service("notifications").reconcile();
  const notice = (await service("notifications").store.one({ userId }))!;
  const cursor = cursorAfter(notice, oldestFirst);
  for (const from of [{}, { cursor }])
    await call("notifications.replay", { since: yesterday, ...from });
}

/** More notices than are marked as read at once. */
async function largeInbox() {
  const userId = randomUUID();
  const store = service("notifications").store as unknown as Store<NoticeDocument>;
  const made = Array.from({ length: 1_010 }, (_, n) =>
    newNotice({ userId, text: "Hello" }, randomUUID(), new Date(Date.now() - 5_000 + n)),
  );
  await pLimit(500).map(made, (notice) => store.insert(notice));
  await call("notifications.inbox", { unread: true }, userId);
  await call("notifications.read", { all: true, until: made[1_005]!.id }, userId);
  for (const unread of [true, false]) {
    const { nextCursor: cursor } = await call<Inbox>(
      "notifications.inbox",
      { unread, limit: 2 },
      userId,
    );
    if (cursor) await call("notifications.inbox", { unread, limit: 2, cursor }, userId);
  }
  await call("notifications.notify", { userId, text: "New" });
  await eventually(async () => expect(await store.count({ userId, isRead: false })).toBe(5));
}
