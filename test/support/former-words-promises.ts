/** The promises of the rewriting of former words, kept on both stores. */
import { ServiceBroker, type Service } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { itemsQuery } from "../../domain/catalogue.ts";
import type { ItemDocument } from "../../domain/item.ts";
import { offered, revised } from "../../domain/offer.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { sold } from "../../domain/sale.ts";
import type { Open } from "../../mixins/collection.ts";
import { FormerWords, formerWordsIndex } from "../../services/market/former-words.ts";
import type { Store } from "../../store/store.ts";

/** The rule of version 0.1.0. */
const formerWordsOf = (text: string) => [
  ...new Set(
    text
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [],
  ),
];

/** An item as version 0.1.0 stored it. */
export const formerItem = (id: string, title: string): ItemDocument => ({
  ...offered({ title, price: 900 }, { id, sellerId: "ann", currency: "EUR", now: new Date() }),
  words: formerWordsOf(title),
});

export function formerWordsPromises(open: () => Promise<Open>): void {
  let broker: ServiceBroker;
  let store: Store<ItemDocument>;

  beforeAll(async () => {
    const openStore = await open();
    const { collection } = await import("../../mixins/collection.ts");
    const { ItemDocument } = await import("../../domain/item.ts");
    broker = new ServiceBroker({ logger: false });
    const items = { name: "items", document: ItemDocument, indexes: [formerWordsIndex] };
    const service = { name: "market", mixins: [collection(items, openStore)] };
    ({ store } = broker.createService(service) as Service & { store: Store<ItemDocument> });
    await broker.start();
    await eventually(() => store.ping(), { within: 30_000 });
  });
  beforeEach(async () => {
    for (const { _id } of await store.find({})) await store.remove({ _id });
  });
  afterAll(() => broker?.stop(), 60_000);

  const rewriter = (of: Store<ItemDocument>) => new FormerWords(of, broker.logger);
  const found = async (search: string) =>
    (await store.find({ ...itemsQuery({ search }) }, { sort: { _id: 1 } })).map(({ _id }) => _id);
  const fill = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, n) => store.insert(formerItem(`${n}`, "Große 灯笼"))),
    );

  it("are rewritten, so that searches find every item, sold or not, and nothing else changes", async () => {
    await fill(45);
    await store.change(
      { _id: "7" },
      sold("bob", "sale-7", new Date(), newOutbox({ notice: new Date() })),
    );
    const before = await store.one({ _id: "7" });
    expect(await found("grosse")).toEqual([]);

    expect(await rewriter(store).rewrite()).toBe(45);
    expect(await found("grosse 笼")).toHaveLength(45);
    expect(await store.one({ _id: "7" })).toEqual({
      ...before,
      words: ["!2", "grosse", "灯笼", "笼"],
    });
  });

  it("are rewritten once by all nodes together", async () => {
    await fill(65);
    const nodes = [1, 2, 3].map(() => rewriter(store));

    let sum = 0;
    for (let count = 1; count > 0; sum += count)
      count = (await Promise.all(nodes.map((node) => node.rewrite()))).reduce((a, b) => a + b);
    expect(sum).toBe(65);
    expect(await found("grosse")).toHaveLength(65);
  });

  it("are left alone when the item is revised, sold or withdrawn at that moment", async () => {
    await fill(4);
    const [title, otherTitle] = ["Fußbank", "Weiße Lampe"];
    const racing: Store<ItemDocument> = {
      ...store,
      async find(query, options) {
        const items = await store.find(query, options);
        const [revisedItem, formerlyRevised, soldItem, withdrawn] = items.map(({ _id }) => ({
          _id,
        }));
        await store.change(revisedItem!, revised(items[0]!, { title }));
        const former = { title: otherTitle, words: formerWordsOf(otherTitle) };
        await store.change(formerlyRevised!, { $set: former });
        await store.change(soldItem!, sold("bob", "s", new Date(), newOutbox({})));
        await store.remove(withdrawn!);
        return items;
      },
    };

    expect(await rewriter(racing).rewrite()).toBe(1);
    expect((await store.one({ saleId: "s" }))?.isSold).toBe(true);
    const searches = ["fussbank", "weiße", "grosse"];
    expect(await Promise.all(searches.map(async (search) => (await found(search)).length))).toEqual(
      [1, 0, 1],
    );
    expect(await rewriter(store).rewrite()).toBe(1);
    expect(await found("weisse")).toHaveLength(1);
  });

  it("are found again when a node of version 0.1.0 revises a rewritten item", async () => {
    await fill(1);
    await rewriter(store).rewrite();
    const title = "Weiße Lampe";
    await store.change({ _id: "0" }, { $set: { title, words: formerWordsOf(title) } });

    expect(await rewriter(store).rewrite()).toBe(1);
    expect([await found("weisse"), await found("grosse")]).toEqual([["0"], []]);
  });

  it("are looked for with one query when there are none", async () => {
    await store.insert(
      offered(
        { title: "!?", price: 1 },
        { id: "1", sellerId: "ann", currency: "EUR", now: new Date() },
      ),
    );
    await store.insert(formerItem("2", "!?"));
    let queries = 0;
    const counting: Store<ItemDocument> = {
      ...store,
      find: (...query) => (queries++, store.find(...query)),
    };

    expect(await rewriter(counting).rewrite()).toBe(0);
    expect(queries).toBe(1);
  });
}
