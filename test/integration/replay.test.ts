/** What an operator calls after one service's database was restored from an older copy (docs/backup.md). */
import { randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { keyOf, oldestFirst } from "../../domain/inbox.ts";
import { resold } from "../../domain/lost-sale.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { toSale } from "../../domain/sale.ts";
import { eachPage } from "../../store/replay.ts";
import type { Store } from "../../store/store.ts";
import { addressOf, startBroker } from "../support/broker.ts";
import { Client } from "../support/client.ts";

const broker = await startBroker();
afterAll(() => broker.stop());

const storeOf = <Doc extends { _id: string }>(service: string) =>
  (broker.getLocalService(service) as Service & { store: Store<Doc> }).store;
const items = storeOf<ItemDocument>("market");
const notices = storeOf<NoticeDocument>("notifications");
const as = (id: string) => ({ meta: { user: { id } } });
const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
/** `since` in all tests: before all sales. */
const since = secondsAgo(60);

/** Sold items of one seller, whose notices are stored. */
async function sales(count: number) {
  const seller = randomUUID();
  const buyer = randomUUID();
  const sold = [];
  for (let n = 0; n < count; n++) {
    const offer = { title: `Lamp ${n}`, price: 100 + n, description: "Brass" };
    const { id } = await broker.call("market.offer", offer, as(seller));
    const { saleId } = await broker.call("market.buy", { id }, as(buyer));
    sold.push({ id, saleId });
  }
  await eventually(async () => expect(await inboxOf(seller)).toHaveLength(count));
  await eventually(async () =>
    expect((await broker.call("market.outbox", { state: "pending" })).count).toBe(0),
  );
  return { seller, buyer, sold };
}

const inboxOf = async (seller: string, unread?: boolean) => {
  const page = { limit: 100, ...(unread !== undefined && { unread }) };
  const { notifications } = await broker.call("notifications.inbox", page, as(seller));
  return notifications.map(({ id }) => id).toSorted();
};
const forSale = {
  $set: { isSold: false, soldAt: null },
  $unset: { buyerId: true, saleId: true, outbox: true },
};

describe("market.replay with since", () => {
  it("stores the lost notice of every sale since then again, and leaves the other notices as they are", async () => {
    const { seller, sold } = await sales(4);
    const [lost, other, read, unread] = sold.map(({ saleId }) => saleId);
    for (const id of [lost!, other!])
      expect(await notices.remove({ _id: keyOf(seller, id) })).not.toBeNull();
    await broker.call("notifications.read", { ids: [read!] }, as(seller));

    const answer = await broker.call("market.replay", { since });

    expect(answer).toEqual({ replayed: await items.count({ isSold: true }), nextCursor: null });
    await eventually(async () =>
      expect(await inboxOf(seller)).toEqual(sold.map(({ saleId }) => saleId).toSorted()),
    );
    expect(await inboxOf(seller, true)).toEqual([lost, other, unread].toSorted());
    await eventually(async () =>
      expect((await broker.call("market.outbox", { state: "pending" })).count).toBe(0),
    );
  });

  it("sends no notice of a sale before then", async () => {
    const { seller, sold } = await sales(1);
    await items.change({ _id: sold[0]!.id }, { $set: { soldAt: secondsAgo(3600) } });
    await notices.remove({ _id: keyOf(seller, sold[0]!.saleId) });

    await broker.call("market.replay", { since });

    const { seller: later, sold: others } = await sales(1);
    expect(await inboxOf(later)).toEqual([others[0]!.saleId]);
    expect(await inboxOf(seller)).toEqual([]);
  });
});

describe("notifications.replay", () => {
  it("restores the sales that market has lost: to the same buyers, with the same ids, without new notices", async () => {
    const { seller, buyer, sold } = await sales(3);
    const [unsold, revised, missing] = sold as [Sold, Sold, Sold];
    const before = await broker.call("market.sales", {}, as(seller));
    await items.change({ _id: unsold.id }, forSale);
    await items.change({ _id: revised.id }, forSale);
    await broker.call("market.revise", { id: revised.id, title: "Rug", price: 1 }, as(seller));
    await items.remove({ _id: missing.id });

    expect(await broker.call("notifications.replay", { since })).toMatchObject({
      restored: 3,
      conflicts: [],
      nextCursor: null,
    });

    expect(await broker.call("market.sales", {}, as(seller))).toEqual(before);
    expect(await broker.call("market.purchases", {}, as(buyer))).toEqual(before);
    for (const { id, saleId } of sold) {
      expect(await broker.call("market.buy", { id }, as(buyer))).toEqual({ ok: true, saleId });
      const second = broker.call("market.buy", { id }, as("carol"));
      await expect(second).rejects.toMatchObject({ type: "ITEM_SOLD" });
    }
    expect((await broker.call("market.outbox", { state: "pending" })).count).toBe(0);
    expect(await inboxOf(seller)).toHaveLength(3);
    expect(await broker.call("notifications.replay", { since })).toMatchObject({ restored: 0 });
  });

  it("names the sales that it cannot restore, and leaves their items as they are", async () => {
    const { seller, sold } = await sales(2);
    const [again, unknown] = sold as [Sold, Sold];
    for (const { id } of sold) await items.change({ _id: id }, forSale);
    const { saleId } = await broker.call("market.buy", { id: again.id }, as("carol"));
    // A notice of version 0.1.0.
    const notice = (await notices.one({ _id: keyOf(seller, unknown.saleId) }))!;
    const { buyerId: _, ...data } = JSON.parse(notice.data) as Record<string, unknown>;
    await notices.change({ _id: notice._id }, { $set: { data: JSON.stringify(data) } });

    const { conflicts, restored } = await broker.call("notifications.replay", { since });

    expect(restored).toBe(0);
    expect(conflicts.toSorted((a, b) => a.reason.localeCompare(b.reason))).toEqual([
      {
        saleId: again.saleId,
        itemId: again.id,
        reason: `The item was sold again, in sale ${saleId}.`,
      },
      {
        saleId: unknown.saleId,
        itemId: unknown.id,
        reason: "The notice does not name the buyer.",
      },
    ]);
    expect(await broker.call("market.item", { id: unknown.id })).toMatchObject({ isSold: false });
    await items.remove({ _id: unknown.id });
    await notices.remove({ _id: notice._id });
  });

  it("restores a sale once, however many calls restore it and however many buyers come at once", async () => {
    const { buyer, sold } = await sales(5);
    for (const { id } of sold) await items.change({ _id: id }, forSale);

    const attempts = sold.flatMap(({ id }) =>
      ["dave", "eve"].map((name) => broker.call("market.buy", { id }, as(name)).catch(() => {})),
    );
    const [first, second] = await Promise.all([
      broker.call("notifications.replay", { since }),
      broker.call("notifications.replay", { since }),
      ...attempts,
    ]);

    let restored = 0;
    for (const { id, saleId } of sold) {
      const item = (await items.one({ _id: id }))!;
      if (item.buyerId === buyer) restored += Number(item.saleId === saleId);
      else expect([item.buyerId, item.isSold]).toEqual([expect.stringMatching(/dave|eve/), true]);
    }
    expect(first.restored + second.restored).toBe(restored);
  });
});

it("a sale is not restored when a buyer is first", async () => {
  const { sold } = await sales(1);
  const { id, saleId } = sold[0]!;
  const sale = toSale((await items.one({ _id: id }))!);
  const unsold = (await items.change({ _id: id }, forSale))!;
  const second = await broker.call("market.buy", { id }, as("carol"));

  expect(await items.change(...resold(unsold, sale))).toBeNull();

  expect(second.saleId).not.toBe(saleId);
  expect(await items.one({ _id: id })).toMatchObject({ buyerId: "carol", saleId: second.saleId });
});

describe("users.replay", () => {
  it("ends every session, also those that the copy shows as live, and their access tokens", async () => {
    const api = addressOf(broker, "api");
    const client = await Client.registered(api);
    const { refreshToken } = client.session!;
    expect((await client.call("GET", "/users/me")).status).toBe(200);

    const { replayed, nextCursor } = await broker.call("users.replay", { since });

    expect([replayed > 0, nextCursor]).toEqual([true, null]);
    expect((await client.call("POST", "/users/refresh", { refreshToken })).status).toBe(401);
    await eventually(async () => expect((await client.call("GET", "/users/me")).status).toBe(401));
    expect(await broker.call("users.replay", { since })).toEqual({ replayed: 0, nextCursor: null });
  });
});

describe("since", () => {
  const dateExpected = "since is not a date and time such as 2026-11-28T09:30:00Z";
  it.each([
    ["yesterday", dateExpected],
    ["2026-11-28T09:30:00", dateExpected],
    ["2026-02-30T09:30:00Z", dateExpected],
    ["2026-11-28T25:00:00Z", dateExpected],
    ["1764322200000", dateExpected],
    ["2999-01-01T00:00:00Z", "since is in the future"],
  ])("is refused when it is %s", async (text, message) => {
    for (const name of ["market.replay", "notifications.replay", "users.replay"] as const)
      await expect(broker.call(name, { since: text })).rejects.toMatchObject({
        type: "BAD_DATA",
        message,
      });
  });

  it.each(["2026-01-02", "2026-01-02T03:04Z", "2026-01-02T03:04:05+01:00"])(
    "may be %s",
    async (text) => {
      expect(await broker.call("market.replay", { since: text })).toMatchObject({
        nextCursor: null,
      });
    },
  );
});

describe("a replay", () => {
  const replayed = async (maxMs?: number) => {
    const seen: string[] = [];
    let [cursor, calls]: [string | null, number] = [null, 0];
    do {
      const page: { limit: number; cursor?: string; maxMs?: number } = {
        limit: 2,
        ...(cursor && { cursor }),
        ...(maxMs !== undefined && { maxMs }),
      };
      cursor = await eachPage(notices, {}, oldestFirst, page, async (rows) => {
        seen.push(...rows.map(({ _id }) => _id));
      });
      calls++;
    } while (cursor !== null);
    return { seen, calls };
  };

  it("passes every document once, in one call, or in several when it takes longer", async () => {
    await sales(5);
    const all = await notices.find({}, { sort: { createdAt: 1, _id: 1 } });
    const seen = all.map(({ _id }) => _id);
    expect(await replayed()).toEqual({ seen, calls: 1 });
    expect(await replayed(0)).toEqual({ seen, calls: Math.ceil(seen.length / 2) });
  });
});

interface Sold {
  id: string;
  saleId: string;
}
