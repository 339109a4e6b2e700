/** Receipts: when a notice was first shown to its user. */
import { randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import { InboxConnection } from "../../client/inbox/connection.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { keyOf } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { Receipts } from "../../services/notifications/receipts.ts";
import type { Adapter, Store } from "../../store/store.ts";
import type { Device } from "../support/device.ts";
import { notifications, type Notifications } from "../support/notifications.ts";

let souk: Notifications;
/** Every write of the service to several notices at once. */
const writes: { query: object; update: object }[] = [];
let isAway = false;
beforeAll(async () => {
  souk = await notifications();
  const { adapter } = souk.broker.getLocalService("notifications") as Service & {
    adapter: Adapter;
  };
  const { updateMany } = adapter;
  adapter.updateMany = (query, update) => {
    writes.push({ query, update });
    if (isAway) return Promise.reject(new Error("away"));
    return updateMany.call(adapter, query, update);
  };
});
beforeEach(() => void (writes.length = 0));
afterAll(() => souk.end());

const notify = async (userId: string) =>
  (await souk.call("notifications.notify", { userId, text: "Item #1 was sold!" })).id;
const receiptsOf = async (userId: string) =>
  (await souk.call("notifications.receipts", { userId })).receipts;
const shownOf = async (userId: string) => (await receiptsOf(userId)).map(({ shownAt }) => shownAt);
const isShown = (userId: string) =>
  eventually(async () => (await shownOf(userId)).every((shownAt) => shownAt !== null));
/** From now on the device acknowledges notices. Returns the ids of those that it acknowledged. */
function acknowledge(device: Device): string[] {
  const ids: string[] = [];
  device.socket.on("notification", ({ id }: { id: string }, ack: () => void) => {
    ids.push(id);
    ack();
  });
  return ids;
}

it("a notice is shown when a device acknowledges it, and keeps the time of the first receipt", async () => {
  const user = randomUUID();
  const [phone, laptop] = [await souk.device(user), await souk.device(user)];
  acknowledge(phone);
  const id = await notify(user);

  await isShown(user);
  const [receipt] = await receiptsOf(user);
  expect(receipt).toEqual({
    ...{ id, type: "notice", isRead: false },
    createdAt: expect.stringMatching(/Z$/),
    shownAt: expect.stringMatching(/Z$/),
  });
  expect(Date.parse(receipt!.shownAt!)).toBeGreaterThanOrEqual(Date.parse(receipt!.createdAt));

  acknowledge(laptop);
  await souk.call("notifications.notify", { userId: user, id, text: "again" });
  await laptop.receives("notification", 2);
  const marker = await notify(user);
  await eventually(async () => (await receiptsOf(user))[0]!.shownAt !== null);
  expect((await receiptsOf(user))[0]).toMatchObject({ id: marker });
  expect((await receiptsOf(user))[1]).toEqual(receipt);
});

it("a receipt on another node does not change the time of the first one", async () => {
  const user = randomUUID();
  acknowledge(await souk.device(user));
  const id = await notify(user);
  await isShown(user);
  const [receipt] = await receiptsOf(user);

  const { store } = souk.broker.getLocalService("notifications") as Service & {
    store: Store<NoticeDocument>;
  };
  const onAnotherNode = new Receipts(store, { debug() {} });
  onAnotherNode.shown([keyOf(user, id)]);
  await onAnotherNode.stop();

  expect(writes.at(-1)!.query).toMatchObject({ _id: { $in: [keyOf(user, id)] } });
  expect(await receiptsOf(user)).toEqual([receipt]);
});

it("a notice is not shown when devices receive it without an acknowledgement", async () => {
  const [user, other] = [randomUUID(), randomUUID()];
  const [silent, marker] = [await souk.device(user), await souk.device(other)];
  acknowledge(marker);
  await silent.shows(await notify(user));
  await notify(other);

  await isShown(other);
  expect(await shownOf(user)).toEqual([null]);
});

it("a device's receipts mark no other user's notices, whatever ids it acknowledges", async () => {
  const [user, stranger, id] = [randomUUID(), randomUUID(), randomUUID()];
  await souk.call("notifications.notify", { userId: user, id, text: "for one" });
  const device = await souk.device(stranger);
  acknowledge(device);
  // Receipts of packets that were never sent, and one with arguments.
  for (let n = 0; n < 20; n++) device.write(`3${n}["${user}.${id}"]`);
  await souk.call("notifications.notify", { userId: stranger, id, text: "for the other" });

  await isShown(stranger);
  expect(await shownOf(user)).toEqual([null]);
});

it("the notices of an inbox are shown when it is acknowledged, listed, or marked as read", async () => {
  const users = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
  const [acknowledging, listing, reading, readingAll] = users;
  for (const user of users) for (let n = 0; n < 3; n++) await notify(user);

  const device = souk.anonymous();
  const isAcknowledged = new Promise<void>((resolve) =>
    device.socket.on("inbox", (_inbox: object, ack: () => void) => resolve(ack())),
  );
  await device.connects();
  await device.ask("authorize", { token: await souk.token(acknowledging) });
  await isAcknowledged;
  await souk.call("notifications.inbox", { limit: 2 }, listing);
  const [first] = await receiptsOf(reading);
  await souk.call("notifications.read", { ids: [first!.id] }, reading);
  await souk.call("notifications.read", { all: true }, readingAll);

  await isShown(acknowledging);
  await eventually(async () => (await shownOf(listing))[1] !== null);
  expect((await shownOf(listing)).map((shownAt) => shownAt !== null)).toEqual([true, true, false]);
  expect(
    (await receiptsOf(reading)).map(({ shownAt, isRead }) => [shownAt !== null, isRead]),
  ).toEqual([
    [true, true],
    [false, false],
    [false, false],
  ]);
  expect((await receiptsOf(readingAll)).every(({ shownAt, isRead }) => shownAt && isRead)).toBe(
    true,
  );
});

it("many receipts of many devices cost a few writes, none when their notices were shown before", async () => {
  const user = randomUUID();
  const devices = await Promise.all(Array.from({ length: 4 }, () => souk.device(user)));
  const acknowledged = devices.map(acknowledge);
  writes.length = 0;
  await Promise.all(Array.from({ length: 150 }, () => notify(user)));
  await eventually(() => acknowledged.every(({ length }) => length === 150));
  await isShown(user);
  expect(writes.length).toBeGreaterThan(0);
  expect(writes.length).toBeLessThan(30);

  writes.length = 0;
  await souk.call("notifications.inbox", { limit: 100 }, user);
  await (await souk.device(user)).receives("inbox");
  const other = randomUUID();
  acknowledge(await souk.device(other));
  await notify(other);
  await isShown(other);
  expect(JSON.stringify(writes)).not.toContain(user);
});

it("a device that acknowledges hundreds of notices at once is not disconnected for its packets", async () => {
  const user = randomUUID();
  const device = await souk.device(user);
  const acknowledged = acknowledge(device);
  await Promise.all(Array.from({ length: 500 }, () => notify(user)));
  await eventually(() => acknowledged.length === 500);

  expect(await device.ask("read", { all: true })).toMatchObject({ unread: 0 });
  expect(device.disconnects).toEqual([]);
});

it("a client that sends packets without being asked is disconnected, notices or not", async () => {
  const user = randomUUID();
  const device = await souk.device(user);
  for (let n = 0; n < 20; n++) await notify(user);
  await device.receives("notification", 20);
  for (let n = 0; n < 300; n++) device.write(`3${n}[]`);

  await eventually(() => device.received("closing").length > 0);
  expect(device.received("closing")).toEqual([{ code: "TOO_MANY_REQUESTS" }]);
});

it("receipts wait while the database is away", async () => {
  const user = randomUUID();
  const device = await souk.device(user);
  const acknowledged = acknowledge(device);
  isAway = true;
  await notify(user);
  await eventually(() => acknowledged.length === 1 && writes.length > 0);
  isAway = false;

  await isShown(user);
});

it("souk-client acknowledges notices, on a hidden page when the user is back", async () => {
  const user = randomUUID();
  const received: string[] = [];
  const access = {
    token: await souk.token(user),
    renewAtAge: 600_000,
    lifeMs: 900_000,
    age: () => 0,
  };
  const connection = new InboxConnection(souk.url, access, () => Promise.resolve(access), {
    inboxRequested() {},
    inbox: () => received.push("inbox"),
    notification: ({ id }) => received.push(id),
    read() {},
    disconnected() {},
  });
  await eventually(() => received.length === 1);
  await notify(user);
  await isShown(user);

  const page = { visibilityState: "hidden", hasFocus: () => false };
  Object.assign(globalThis, { document: page });
  const hidden = await notify(user);
  await eventually(() => received.includes(hidden));
  const other = randomUUID();
  acknowledge(await souk.device(other));
  await notify(other);
  await isShown(other);
  expect((await shownOf(user))[0]).toBeNull();

  page.visibilityState = "visible";
  connection.returned();
  await isShown(user);
  connection.close();
  delete (globalThis as { document?: object }).document;
});

it("receipts that wait are stored when the service stops", async () => {
  const user = randomUUID();
  acknowledge(await souk.device(user));
  const id = await notify(user);
  await souk.call("notifications.inbox", {}, user);
  await souk.stop();
  await souk.start();

  expect(await receiptsOf(user)).toMatchObject([{ id, shownAt: expect.any(String) }]);
});
