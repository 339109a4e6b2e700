/** Users with very many unread notices. */
import { randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import pLimit from "p-limit";
import { eventually } from "../../bin/processes/eventually.ts";
import { keyOf, newNotice } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { Inbox } from "../../services/notifications/inbox.ts";
import { ReadMarks } from "../../services/notifications/read-marks.ts";
import type { Adapter, Store } from "../../store/store.ts";
import { startBroker } from "../support/broker.ts";

const broker = await startBroker();
afterAll(() => broker.stop());

const { store, adapter, inbox } = broker.getLocalService("notifications") as Service & {
  store: Store<NoticeDocument>;
  adapter: Adapter;
  inbox: Inbox;
};
/** Every count that the service asks for. */
const counts: { limit?: number }[] = [];
const { count } = adapter;
adapter.count = (filters) => {
  counts.push(filters);
  return count.call(adapter, filters);
};

const size = 1_500;
/** A user with many unread notices, the newest first, one of each ms up to a minute ago. */
async function userWith(total = size) {
  const userId = randomUUID();
  const now = Date.now() - 60_000;
  const notices = Array.from({ length: total }, (_, n) =>
    newNotice({ userId, text: "Hello" }, randomUUID(), new Date(now - n)),
  );
  await pLimit(500).map(notices, (notice) => store.insert(notice));
  return { userId, notices };
}
const as = (id: string) => ({ meta: { user: { id } } });
const read = (userId: string, which: { all: true; until?: string } | { ids: string[] }) =>
  broker.call("notifications.read", which, as(userId));
const unreadOf = async (userId: string) => {
  const { unread, notifications } = await broker.call(
    "notifications.inbox",
    { unread: true, limit: 100 },
    as(userId),
  );
  return { unread, ids: notifications.map(({ id }) => id) };
};
const nothing = { unread: 0, ids: [] };
const marksOf = (userId: string) => store.count({ userId, readUntil: { $gt: "" } });
const unreadStored = (userId: string) => store.count({ userId, isRead: false });
const logger = { debug: () => {} };

it("marks all as read at once for their user, and each of them in the background", async () => {
  const { userId, notices } = await userWith();
  let marked = 0;
  const { updateMany } = adapter;
  adapter.updateMany = async (...args) => {
    marked += await updateMany.apply(adapter, args);
    return marked;
  };

  const answer = await read(userId, { all: true });
  adapter.updateMany = updateMany;

  expect(answer).toEqual({ unread: 0 });
  expect(marked).toBeLessThan(size);
  expect(await unreadOf(userId)).toEqual(nothing);
  const { notifications } = await broker.call(
    "notifications.inbox",
    {},
    { meta: { user: { id: userId } } },
  );
  expect(notifications.filter(({ isRead }) => !isRead)).toEqual([]);
  expect((await inbox.newestUnread(userId)).inbox).toMatchObject({ unread: 0, notifications: [] });
  await eventually(async () => expect(await unreadStored(userId)).toBe(0));
  expect(await read(userId, { all: true })).toEqual({ unread: 0 });
  const { id } = notices[0]!;
  const again = await broker.call("notifications.notify", { id, userId, text: "Hello" });
  expect(again).toEqual({ ok: true, id });
  expect(await unreadOf(userId)).toEqual(nothing);
});

it("covers no notice of the last ten seconds with a mark: those are marked themselves", async () => {
  const { userId } = await userWith();
  const young = [1, 2].map((n) =>
    newNotice({ userId, text: "Young" }, randomUUID(), new Date(Date.now() - n)),
  );
  for (const notice of young) await store.insert(notice);

  expect(await read(userId, { all: true })).toEqual({ unread: 0 });

  const [mark] = await store.find({ userId, readUntil: { $gt: "" } });
  expect(Date.parse(mark!.readUntil!)).toBeLessThan(Date.now() - 10_000);
  for (const { _id } of young) expect(await store.one({ _id })).toMatchObject({ isRead: true });
  // Another node, which is slow or whose clock is behind, stores a notice of a moment ago.
  const late = newNotice({ userId, text: "Late" }, randomUUID(), new Date(Date.now() - 4_000));
  await store.insert(late);
  expect((await unreadOf(userId)).ids).toEqual([late.id]);
});

it("keeps a notice unread that took so long to be stored that a mark covers it", async () => {
  const { userId } = await userWith();
  const slow = new Inbox({ ...store, insert: (notice) => stored(notice) }, broker.logger);
  const now = performance.now;
  const stored = async (notice: NoticeDocument) => {
    await inbox.marks.set(userId, new Date(Date.now() + 3_600_000).toISOString());
    performance.now = () => now.call(performance) + 3_001;
    return store.insert(notice);
  };

  const { id } = await slow.store({ userId, text: "New" });
  performance.now = now;

  expect(await unreadOf(userId)).toEqual({ unread: 1, ids: [id] });
  await eventually(async () => expect(await unreadStored(userId)).toBe(1));
  expect((await inbox.newestUnread(userId)).inbox).toMatchObject({
    unread: 1,
    notifications: [{ id }],
  });
});

it("keeps every notice unread that arrives after the answer, when notices arrive all the time", async () => {
  const { userId } = await userWith();
  let isAnswered = false;
  const later: string[] = [];
  const arriving = (async () => {
    for (let n = 0; n < 40; n++) {
      const wasAnswered = isAnswered;
      const { id } = await broker.call("notifications.notify", { userId, text: `${n}` });
      if (wasAnswered) later.push(id);
    }
  })();

  await read(userId, { all: true });
  isAnswered = true;
  await arriving;

  const { ids, unread } = await unreadOf(userId);
  expect(later.filter((id) => !ids.includes(id))).toEqual([]);
  expect(unread).toBe(ids.length);
  await eventually(async () => expect(await unreadStored(userId)).toBe(unread));
});

it("marks up to a notice, and leaves newer ones unread, also of the same instant", async () => {
  const { userId, notices } = await userWith();
  const { createdAt } = notices[10]!;
  const same = ["0", "1", "2"].map((id) =>
    newNotice({ id, userId, text: "Same" }, id, new Date(createdAt)),
  );
  await store.remove({ _id: notices[10]!._id });
  for (const notice of same) await store.insert(notice);

  expect(await read(userId, { all: true, until: "1" })).toEqual({ unread: 11 });

  const newer = [...notices.slice(0, 10).map(({ id }) => id), "2"];
  expect(await unreadOf(userId)).toEqual({ unread: 11, ids: newer });
  await eventually(async () => expect(await unreadStored(userId)).toBe(11));
});

it("finishes what a node began that has stopped, and then removes the mark", async () => {
  const { userId, notices } = await userWith();
  const { _id, createdAt } = notices[0]!;
  await store.change({ _id }, { $set: { isRead: true, readUntil: createdAt } });
  expect(await unreadOf(userId)).toEqual(nothing);

  const other = new ReadMarks(store, logger, { keepMs: 0 });
  other.poll();

  await eventually(async () => expect(await marksOf(userId)).toBe(0));
  expect(await unreadStored(userId)).toBe(0);
  expect(await unreadOf(userId)).toEqual(nothing);
  await other.stop();
});

it("shows no notice as unread that a mark covers, before it is marked itself", async () => {
  const { userId, notices } = await userWith(5);
  const [newest, repeated] = notices;
  const { _id, createdAt } = newest!;
  await store.change({ _id }, { $set: { isRead: true, readUntil: createdAt } });

  expect((await inbox.newestUnread(userId)).inbox).toMatchObject({ unread: 0, notifications: [] });
  const notice = { id: repeated!.id, userId, text: "Hello" };
  expect(await inbox.store(notice)).toMatchObject({ id: repeated!.id, isRead: true });
  expect(await unreadOf(userId)).toEqual(nothing);
});

it("keeps the mark until every notice that was being stored has found it", async () => {
  const { userId, notices } = await userWith();
  await read(userId, { all: true });
  await eventually(async () => expect(await unreadStored(userId)).toBe(0));
  inbox.marks.poll();
  // A notice that another node stamped before, and stores now.
  const late = newNotice({ userId, text: "Late" }, randomUUID(), new Date(notices[5]!.createdAt));
  await store.insert(late);
  expect(await marksOf(userId)).toBe(1);
});

it("counts exactly, and reads more than a thousand keys only once for many counts", async () => {
  const { userId, notices } = await userWith();
  counts.length = 0;
  for (let n = 0; n < 5; n++) expect((await unreadOf(userId)).unread).toBe(size);
  await broker.call("notifications.notify", { userId, text: "New" });
  expect((await unreadOf(userId)).unread).toBe(size + 1);
  const ids = notices.slice(0, 3).map(({ id }) => id);
  expect(await read(userId, { ids })).toEqual({ unread: size - 2 });
  expect(await read(userId, { ids })).toEqual({ unread: size - 2 });

  expect(counts.filter(({ limit }) => limit === 1_001).length).toBeGreaterThan(6);
  expect(counts.filter(({ limit }) => limit !== 1_001)).toHaveLength(1);
  expect(await store.one({ _id: keyOf(userId, ids[0]!) })).toMatchObject({ isRead: true });
});
