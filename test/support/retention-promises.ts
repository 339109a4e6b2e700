/** The promises of retention, kept on both stores. */
import { ServiceBroker, type Service } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { newAccount, type AccountDocument } from "../../domain/account.ts";
import { newNotice } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { offered } from "../../domain/offer.ts";
import { newSession } from "../../domain/sessions.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { Open } from "../../mixins/collection.ts";
import { items } from "../../services/market/items.ts";
import { notices } from "../../services/notifications/inbox.ts";
import { accounts } from "../../services/users/accounts.ts";
import { Retention } from "../../store/retention.ts";
import type { Collection, Store, Stored } from "../../store/store.ts";

const now = new Date("2026-11-28T09:30:00.000Z");
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
const at = (days: number) => daysAgo(days).toISOString();

export function retentionPromises(open: () => Promise<Open>): void {
  let broker: ServiceBroker;
  const stores: Record<string, Store<never>> = {};

  beforeAll(async () => {
    const openStore = await open();
    const { collection } = await import("../../mixins/collection.ts");
    broker = new ServiceBroker({ logger: false });
    for (const what of [items, notices, accounts] as Collection[]) {
      const service = { name: what.name, mixins: [collection(what, openStore)] };
      stores[what.name] = (broker.createService(service) as Service & { store: never }).store;
    }
    await broker.start();
    for (const store of Object.values(stores))
      await eventually(() => store.ping(), { within: 30_000 });
  });
  afterEach(async () => {
    for (const store of Object.values(stores)) while ((await store.removeMany({}, 100)) > 0);
  });
  afterAll(() => broker?.stop(), 60_000);

  const storeOf = <Doc extends Stored>({ name }: { name: string }) =>
    stores[name] as unknown as Store<Doc>;
  const idsIn = async ({ name }: { name: string }) =>
    (await storeOf({ name }).find({}, { sort: { _id: 1 } })).map(({ _id }) => _id);

  /** Removes what has ended, without pauses. Resolves with the log lines. */
  async function sweep(what: { name: string; sweeps?: unknown }) {
    const lines: string[] = [];
    const logger = { info: (line: string) => lines.push(line), debug: () => {} };
    const options = { now: () => now, logger, isMine: () => true, rest: async () => {} } as never;
    const sweeps = (what as Collection).sweeps!(storeOf(what) as never, 90);
    await new Retention(sweeps, options).run();
    return lines;
  }

  const notice = (id: string, days: number, more: Partial<NoticeDocument> = {}) => ({
    ...newNotice({ userId: "ann", text: "Sold!" }, id, daysAgo(days)),
    ...more,
  });
  const insertAll = (docs: NoticeDocument[]) =>
    Promise.all(docs.map((doc) => storeOf<NoticeDocument>(notices).insert(doc)));

  it("removes read notices after KEEP_DAYS, and no other notice", async () => {
    const read = { isRead: true, shownAt: at(91) };
    await insertAll([
      notice("over", 200, read),
      notice("over-without-receipt", 91, { isRead: true }),
      notice("unread", 2_000),
      notice("shown-but-unread", 2_000, { shownAt: at(1_999) }),
      notice("first-shown-lately", 2_000, { isRead: true, shownAt: at(89) }),
      notice("young", 89, { isRead: true }),
      notice("marks-others", 200, { ...read, readUntil: at(100) }),
    ]);
    expect(await sweep(notices)).toEqual([
      "Removed 2 read notices that were shown more than 90 days ago.",
    ]);
    expect(await idsIn(notices)).toEqual([
      "ann.first-shown-lately",
      "ann.marks-others",
      "ann.shown-but-unread",
      "ann.unread",
      "ann.young",
    ]);
  });

  it("passes old unread notices, however many they are", async () => {
    const unread = Array.from({ length: 350 }, (_, n) => notice(`unread-${n}`, 100));
    const read = Array.from({ length: 250 }, (_, n) => notice(`read-${n}`, 99, { isRead: true }));
    await insertAll([...unread, ...read]);
    await sweep(notices);
    expect(await storeOf(notices).count({})).toBe(350);
    expect(await storeOf(notices).count({ isRead: false })).toBe(350);
  });

  it("removes expired sessions and what is kept of ended ones, and no valid session", async () => {
    const store = storeOf<AccountDocument>(accounts);
    const session = (days: number) => newSession({ family: "f", token: "t" }, daysAgo(days));
    const ann = newAccount(
      { id: "ann", email: "ann@souk.test", name: "Ann" },
      "hash",
      daysAgo(200),
    );
    await store.insert({
      ...ann,
      creation: { key: "key", request: "request", at: at(200) },
      sessions: {
        expired: session(40),
        "long-ago": session(200),
        valid: session(29),
        late: session(30.5),
      },
      ended: { old: at(2), lately: at(0.5) },
      endedUntil: at(0.5),
    });
    expect(await sweep(accounts)).toEqual(["Removed 2 expired sessions."]);
    const after = (await store.one({ _id: "ann" }))!;
    expect(Object.keys(after.sessions)).toEqual(["valid", "late"]);
    expect(Object.keys(after.ended)).toEqual(["lately"]);
    expect(after.endedUntil).toBe(at(0.5));
    expect(after.creation).toBeUndefined();
    expect(await sweep(accounts)).toEqual([]);
  });

  it("keeps a session that is refreshed while it is removed", async () => {
    const store = storeOf<AccountDocument>(accounts);
    const ann = newAccount(
      { id: "ann", email: "ann@souk.test", name: "Ann" },
      "hash",
      daysAgo(200),
    );
    const sessions = { one: newSession({ family: "f", token: "t" }, daysAgo(40)) };
    await store.insert({ ...ann, sessions });
    const racing: Store<AccountDocument> = {
      ...store,
      async change(query, update) {
        await store.change({ _id: "ann" }, { $set: { "sessions.one.expiresAt": at(-1) } });
        return store.change(query, update);
      },
    };
    for (const { next } of accounts.sweeps(racing))
      expect((await next(undefined, now)).removed).toBe(0);
    expect(Object.keys((await store.one({ _id: "ann" }))!.sessions)).toEqual(["one"]);
  });

  it("removes used idempotency keys and withdrawn items, and no other item", async () => {
    const store = storeOf<ItemDocument>(items);
    const by = { sellerId: "ann", currency: "EUR" };
    const creation = (key: string, days: number) => ({ key, request: "request", at: at(days) });
    const item = (id: string, days: number) =>
      offered({ title: "A lamp", price: 900 }, { ...by, id, now: daysAgo(days) });
    await store.insert({ ...item("used", 400), creation: creation("a", 400) });
    await store.insert({ ...item("held", 0.5), creation: creation("b", 0.5) });
    await store.insert({ ...item("without", 400) });
    const sale = { isSold: true, buyerId: "bob", saleId: "s", soldAt: at(399) };
    await store.insert({ ...item("sold", 400), ...sale, creation: creation("c", 400) });
    for (const [id, days] of [
      ["withdrawn", 2],
      ["withdrawn-lately", 0.5],
    ] as const) {
      await store.insert(item(id, 400));
      await store.change({ _id: id }, { $set: { withdrawnAt: at(days) } });
    }
    expect(await sweep(items)).toEqual([
      "Removed 1 withdrawn items.",
      "Removed 2 idempotency keys.",
    ]);
    expect(await idsIn(items)).toEqual(["held", "sold", "used", "withdrawn-lately", "without"]);
    const keys = (await store.find({}, { sort: { _id: 1 } })).map(({ creation }) => creation?.key);
    expect(keys).toEqual(["b", undefined, undefined, undefined, undefined]);
    expect(await store.one({ _id: "sold" })).toMatchObject(sale);
  });
}
