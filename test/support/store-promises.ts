import { randomUUID } from "node:crypto";
import { ServiceBroker, type Service } from "moleculer";
import Type, { type Static } from "typebox";
import { exactly, id, instant, nullable } from "../../contracts/schema.ts";
import { collection } from "../../mixins/collection.ts";
import { paginate } from "../../store/pagination.ts";
import {
  DuplicateKey,
  type Adapter,
  type Collection,
  type Query,
  type Store,
} from "../../store/store.ts";

const Thing = exactly({
  _id: id,
  name: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  owner: Type.Optional(Type.String()),
  number: Type.Optional(Type.Integer()),
  price: Type.Optional(Type.Integer()),
  isSold: Type.Optional(Type.Boolean()),
  buyerId: Type.Optional(Type.String()),
  soldAt: Type.Optional(nullable(instant)),
  createdAt: Type.Optional(instant),
  words: Type.Optional(Type.Array(Type.String())),
  sessions: Type.Optional(Type.Record(Type.String(), exactly({ token: Type.String() }))),
  data: Type.Optional(
    exactly({ deep: Type.Optional(exactly({ n: Type.Optional(Type.Integer()) })) }),
  ),
});
export type Thing = Static<typeof Thing>;

export const things = (name: string): Collection => ({
  name,
  document: Thing,
  indexes: [
    { fields: ["email"], unique: true, sparse: true },
    { fields: ["owner", "number"], unique: true, sparse: true },
    { fields: ["createdAt", "_id"] },
    { fields: ["isSold", "createdAt", "_id"] },
    { fields: ["price", "_id"] },
    { fields: ["words", "createdAt"] },
  ],
});

export interface Shop extends Service {
  store: Store<Thing>;
}

/** A service with a store of its own, on a broker of its own. */
export async function shopOn(open: (what: Collection) => Adapter, name = `things-${randomUUID()}`) {
  const broker = new ServiceBroker({ logger: false });
  const shop = broker.createService({
    name: "shop",
    mixins: [collection(things(name), (_service, what) => open(what))],
  }) as Shop;
  await broker.start().catch(async (error: unknown) => {
    await broker.stop();
    throw error;
  });
  return { broker, store: shop.store, stop: () => broker.stop() };
}

/** Waits for all, and counts the results by name: "changed", "null", the name of an error. */
export async function tally(calls: Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const ended of await Promise.allSettled(calls)) {
    const what =
      ended.status === "fulfilled" ? (ended.value ? "done" : "null") : nameOf(ended.reason);
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

const nameOf = (error: unknown) =>
  error instanceof DuplicateKey
    ? `Duplicate ${error.field}`
    : ((error as { type?: string }).type ?? (error as Error).message);

/** The promises of a store on any database. */
export function storePromises(open: (what: Collection) => Adapter): void {
  let store: Store<Thing>;
  let shop: Awaited<ReturnType<typeof shopOn>>;
  let name: string;

  beforeEach(async () => {
    name = `things-${randomUUID()}`;
    shop = await shopOn(open, name);
    store = shop.store;
  });

  afterEach(() => shop.stop());

  const reopen = async () => {
    await shop.stop();
    shop = await shopOn(open, name);
    store = shop.store;
  };
  const fill = (docs: Thing[]) => Promise.all(docs.map((doc) => store.insert(doc)));
  const idsOf = async (query: Query) =>
    (await store.find(query, { sort: { _id: 1 } })).map(({ _id }) => _id).join();

  describe("documents", () => {
    const full: Thing = {
      _id: "1",
      name: "Löwe 🦁, $5.00 a.b \u2028 \u2029 \u0085 \v\f\r\n\t\"\\ ' \u0000",
      price: 1_000_000_000,
      isSold: false,
      soldAt: null,
      createdAt: "2026-11-23T16:00:00.000Z",
      words: ["", "lowe", "$5"],
      sessions: { "0-a_b": { token: "" } },
      data: { deep: { n: 2 ** 53 - 1 } },
    };

    it("are read as they were written, also after a restart", async () => {
      expect(await store.insert(full)).toEqual(full);
      expect(await store.one({ _id: "1" })).toEqual(full);
      await reopen();
      expect(await store.find({})).toEqual([full]);
    });

    it("are stored without fields that are undefined", async () => {
      await store.insert({ _id: "1", name: undefined, data: { deep: undefined } });
      await store.change({ _id: "1" }, { $set: { price: 1, "data.deep": { n: undefined } } });
      await reopen();
      expect(await store.one({ _id: "1" })).toStrictEqual({
        _id: "1",
        price: 1,
        data: { deep: {} },
      });
    });

    it("that do not fit their closed schema are refused, and nothing is written", async () => {
      const misfits = [
        { _id: "1", price: "cheap" },
        { _id: "1", price: NaN },
        { _id: "1", createdAt: new Date() },
        { _id: "1", colour: "red" },
        { _id: "1", data: { $x: 1 } },
        JSON.parse(`{"_id": "1", "data": {"__proto__": {"isAdmin": true}}}`),
        { name: "no id" },
      ];
      for (const misfit of misfits)
        await expect(store.insert(misfit as never)).rejects.toThrow(/does not fit the schema/);
      expect(await store.count({})).toBe(0);
    });

    it("are copies: changing them changes nothing that is stored", async () => {
      const given: Thing = { _id: "1", words: ["a"], data: { deep: { n: 1 } } };
      const spoil = (doc: Thing) => {
        doc.words!.push("spoilt");
        doc.data!.deep!.n = 2;
      };
      spoil(await store.insert(given));
      spoil((await store.one({ _id: "1" }))!);
      spoil((await store.find({ _id: "1" }))[0]!);
      const set = { deep: { n: 1 } };
      spoil((await store.change({ _id: "1" }, { $set: { data: set, words: given.words } }))!);
      set.deep.n = 3;
      spoil(given);
      expect(await store.one({ _id: "1" })).toEqual({
        _id: "1",
        words: ["a"],
        data: { deep: { n: 1 } },
      });
    });
  });

  describe("a conditional write", () => {
    const sell = (buyerId: string) =>
      store.change(
        { _id: "1", isSold: false, owner: { $ne: buyerId } },
        { $set: { isSold: true, buyerId } },
      );

    it("returns the document after the change, or null when none matched", async () => {
      await store.insert({ _id: "1", isSold: false, owner: "anna" });
      expect(await sell("anna")).toBeNull();
      expect(await sell("bert")).toEqual({
        _id: "1",
        isSold: true,
        owner: "anna",
        buyerId: "bert",
      });
      expect(await sell("carl")).toBeNull();
      expect(await store.one({ _id: "1" })).toEqual({
        _id: "1",
        isSold: true,
        owner: "anna",
        buyerId: "bert",
      });
    });

    it.each([50, 1000])("has one winner among %i concurrent callers", async (callers) => {
      await store.insert({ _id: "1", isSold: false });
      const sold = Array.from({ length: callers }, (_, i) => sell(`buyer-${i}`));
      const { done, null: lost = 0, UNAVAILABLE: late = 0, ...rest } = await tally(sold);
      expect([done, lost + late, rest]).toEqual([1, callers - 1, {}]);
      const [winner] = (await Promise.allSettled(sold)).flatMap((end) =>
        end.status === "fulfilled" && end.value ? [end.value] : [],
      );
      expect(await store.find({})).toEqual([winner]);
    });

    it("loses no concurrent increment", async () => {
      await store.insert({ _id: "1", price: 0 });
      await Promise.all(
        Array.from({ length: 100 }, () => store.change({ _id: "1" }, { $inc: { price: 1 } })),
      );
      expect((await store.one({ _id: "1" }))!.price).toBe(100);
    });

    it("removes up to a limit of those that match, and returns how many", async () => {
      await fill(
        Array.from({ length: 25 }, (_, n) => ({ _id: `${n}`, number: n, words: [`w${n % 2}`] })),
      );
      expect(await store.removeMany({ number: { $lt: 20 } }, 15)).toBe(15);
      expect(await store.count({})).toBe(10);
      expect(await store.removeMany({ number: { $lt: 20 } }, 15)).toBe(5);
      expect(await store.removeMany({ number: { $lt: 20 } }, 15)).toBe(0);
      expect(await idsOf({})).toBe("20,21,22,23,24");
      expect(await idsOf({ words: "w1" })).toBe("21,23");
    });

    it("removes a document for one of many concurrent callers, and returns it", async () => {
      await store.insert({ _id: "1", name: "lamp" });
      const removed = await Promise.all(
        Array.from({ length: 20 }, () => store.remove({ _id: "1", name: "lamp" })),
      );
      expect(removed.filter((doc) => doc !== null)).toEqual([{ _id: "1", name: "lamp" }]);
      expect(await store.count({})).toBe(0);
    });

    it("keeps a shared index key correct after a change, a move and a refused update", async () => {
      await fill(Array.from({ length: 20 }, (_, i) => ({ _id: `${i}`, email: `${i}`, price: 1 })));
      await store.changeMany({ price: 1 }, { $set: { name: "lamp" } });
      await store.change({ _id: "3" }, { $set: { price: 2 } });
      expect(
        await tally([store.change({ _id: "4" }, { $set: { name: "chair", email: "5" } })]),
      ).toEqual({ "Duplicate email": 1 });
      expect(
        await tally([store.changeMany({ price: 1 }, { $set: { name: "chair", email: "5" } })]),
      ).toEqual({ "Duplicate email": 1 });

      const found = await store.find({ price: 1 });

      expect(found.filter(({ name }) => name === "lamp")).toHaveLength(19);
      expect(await store.count({ price: 2 })).toBe(1);
    });

    it("that are counted up to a limit are no more than the limit", async () => {
      await fill(Array.from({ length: 20 }, (_, i) => ({ _id: `${i}`, email: `${i}`, price: 1 })));
      expect(await store.count({ price: 1 }, 5)).toBe(5);
      expect(await store.count({ price: 1 }, 20)).toBe(20);
      expect(await store.count({ price: 1 }, 21)).toBe(20);
      expect(await store.count({ price: 2 }, 5)).toBe(0);
    });

    it("on many documents returns how many matched", async () => {
      await fill([
        { _id: "1", price: 1 },
        { _id: "2", price: 2 },
        { _id: "3", price: 3 },
      ]);
      expect(await store.changeMany({ price: { $lte: 2 } }, { $set: { price: 2 } })).toBe(2);
      expect(await store.changeMany({ price: 9 }, { $set: { price: 2 } })).toBe(0);
      expect(await idsOf({ price: 2 })).toBe("1,2");
    });
  });

  describe("an update", () => {
    it("changes nested fields by dotted paths, and creates missing parents", async () => {
      const [one, two] = [randomUUID(), randomUUID()];
      await store.insert({ _id: "1", sessions: {} });
      await store.change(
        { _id: "1" },
        { $set: { [`sessions.${one}`]: { token: "a" }, [`sessions.${two}.token`]: "b" } },
      );
      expect(await store.one({ [`sessions.${one}.token`]: "a" })).toMatchObject({
        sessions: { [one]: { token: "a" }, [two]: { token: "b" } },
      });
      const after = await store.change(
        { _id: "1", [`sessions.${one}.token`]: "a" },
        {
          $unset: { [`sessions.${one}`]: true, "sessions.none.token": true, name: true },
          $set: { "data.new.field": 1 },
        },
      );
      expect(after).toEqual({
        _id: "1",
        sessions: { [two]: { token: "b" } },
        data: { new: { field: 1 } },
      });
    });

    it("supports $inc, $push, $slice, $max and $min", async () => {
      await store.insert({ _id: "1", words: ["a"] });
      await store.change(
        { _id: "1" },
        {
          $inc: { price: 2 },
          $push: { words: "b" },
          $max: { createdAt: "2026-01-01T00:00:00.000Z" },
        },
      );
      await store.change(
        { _id: "1" },
        {
          $inc: { price: -3 },
          $push: { words: { $each: ["c", "d"], $slice: -3 } },
          $min: { number: 5 },
        },
      );
      await store.change(
        { _id: "1" },
        { $max: { createdAt: "2025-01-01T00:00:00.000Z" }, $min: { number: 7 } },
      );
      expect(await store.one({ _id: "1" })).toEqual({
        _id: "1",
        price: -1,
        words: ["b", "c", "d"],
        number: 5,
        createdAt: "2026-01-01T00:00:00.000Z",
      });
    });

    it("ignores undefined fields, and throws when no change remains", async () => {
      await store.insert({ _id: "1", name: "lamp", price: 1 });
      await store.change({ _id: "1" }, { $set: { name: undefined, price: 2 }, $unset: {} });
      for (const update of [{}, { $set: {} }, { $set: { name: undefined } }])
        await expect(store.change({ _id: "1" }, update)).rejects.toThrow("changes nothing");
      expect(await store.one({ _id: "1" })).toEqual({ _id: "1", name: "lamp", price: 2 });
    });

    it("throws on a replacement, an unsupported operator and a path out of the document", async () => {
      await store.insert({ _id: "1", data: {} });
      const updates = [
        { name: "lamp" },
        { $rename: { name: "title" } },
        { $setOnInsert: { name: "" } },
        { $mul: { price: 2 } },
      ];
      const paths = [
        "__proto__.isAdmin",
        "data.__proto__.isAdmin",
        "data.constructor.prototype.isAdmin",
        "data..x",
        "data.$[].x",
        "",
      ];
      for (const update of [...updates, ...paths.map((path) => ({ $set: { [path]: true } }))])
        await expect(store.change({ _id: "1" }, update)).rejects.toThrow(
          /Not every database supports|is not a path/,
        );
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
      expect(await store.one({ _id: "1" })).toEqual({ _id: "1", data: {} });
    });

    it("that a document's types do not allow is refused, and changes nothing", async () => {
      await store.insert({ _id: "1", name: "lamp", price: 1 });
      for (const update of [
        { $inc: { name: 1 } },
        { $push: { name: "x" } },
        { $set: { _id: "2" } },
      ])
        await expect(
          store.change({ _id: "1" }, { ...update, $unset: { price: true } }),
        ).rejects.toThrow();
      expect(await store.find({})).toEqual([{ _id: "1", name: "lamp", price: 1 }]);
    });
  });

  describe("a unique index", () => {
    it("accepts one of 100 concurrent inserts, and names the field to the rest", async () => {
      const inserts = Array.from({ length: 100 }, (_, i) =>
        store.insert({ _id: `${i}`, email: "anna@souk.test" }),
      );
      expect(await tally(inserts)).toEqual({ done: 1, "Duplicate email": 99 });
      expect(await store.count({})).toBe(1);
    });

    it("refuses only the duplicates among many concurrent inserts", async () => {
      const inserts = Array.from({ length: 100 }, (_, i) =>
        store.insert({ _id: `${i}`, email: `${Math.floor(i / 2)}` }),
      );
      expect(await tally(inserts)).toEqual({ done: 50, "Duplicate email": 50 });
      expect(await store.count({})).toBe(50);
    });

    it("names _id first when every field is a duplicate", async () => {
      const same: Thing = { _id: "1", email: "anna@souk.test", owner: "anna", number: 1 };
      const inserts = Array.from({ length: 100 }, () => store.insert(same));
      expect(await tally(inserts)).toEqual({ done: 1, "Duplicate _id": 99 });
    });

    it("names the right field when another field holds the same value", async () => {
      await fill([{ _id: "anna" }, { _id: "2", email: "anna" }]);
      expect(await tally([store.insert({ _id: "3", email: "anna" })])).toEqual({
        "Duplicate email": 1,
      });
      expect(await tally([store.insert({ _id: "anna", email: "other" })])).toEqual({
        "Duplicate _id": 1,
      });
      await store.insert({ _id: "4", email: "bert" });
      expect(await tally([store.insert({ _id: "bert", email: "bert" })])).toEqual({
        "Duplicate email": 1,
      });
    });

    it("ignores documents without the field when it is sparse", async () => {
      await fill([{ _id: "1" }, { _id: "2" }, { _id: "3", owner: "anna", number: 1 }]);
      expect(await store.count({ email: null })).toBe(3);
    });

    it("on two fields compares the pair", async () => {
      await fill([
        { _id: "1", owner: "anna", number: 1 },
        { _id: "2", owner: "anna", number: 2 },
        { _id: "3", owner: "bert", number: 1 },
      ]);
      expect(await tally([store.insert({ _id: "4", owner: "anna", number: 2 })])).toEqual({
        "Duplicate owner,number": 1,
      });
    });

    it("refuses an update, which then changes nothing", async () => {
      await fill([
        { _id: "1", email: "anna" },
        { _id: "2", email: "bert", price: 1 },
      ]);
      expect(
        await tally([store.change({ _id: "2" }, { $set: { email: "anna", price: 2 } })]),
      ).toEqual({ "Duplicate email": 1 });
      expect(await store.one({ _id: "2" })).toEqual({ _id: "2", email: "bert", price: 1 });
      await store.change({ _id: "1" }, { $unset: { email: true } });
      expect(await store.change({ _id: "2" }, { $set: { email: "anna" } })).toMatchObject({
        email: "anna",
      });
    });

    it("holds after a restart", async () => {
      await store.insert({ _id: "1", email: "anna" });
      await reopen();
      expect(await tally([store.insert({ _id: "2", email: "anna" })])).toEqual({
        "Duplicate email": 1,
      });
    });
  });

  describe("a query", () => {
    it("treats null and missing alike", async () => {
      await fill([
        { _id: "1" },
        { _id: "2", soldAt: null },
        { _id: "3", soldAt: "2026-01-01T00:00:00.000Z" },
      ]);
      const soldAt = "2026-01-01T00:00:00.000Z";
      expect(await idsOf({ soldAt: null })).toBe("1,2");
      expect(await idsOf({ soldAt: { $ne: null } })).toBe("3");
      expect(await idsOf({ soldAt: { $in: [null, soldAt] } })).toBe("1,2,3");
      expect(await idsOf({ soldAt: { $nin: [null] } })).toBe("3");
      expect(await idsOf({ soldAt: { $ne: soldAt } })).toBe("1,2");
      expect(await idsOf({ soldAt: { $exists: true } })).toBe("2,3");
      expect(await idsOf({ soldAt: { $exists: false } })).toBe("1");
      expect(await idsOf({ soldAt: { $lte: soldAt } })).toBe("3");
      expect(await idsOf({ "data.deep.er": null })).toBe("1,2,3");
      expect(await store.change({ _id: "1", soldAt: null }, { $set: { soldAt } })).toMatchObject({
        soldAt,
      });
    });

    it("matches any element of an array, and $ne matches none", async () => {
      await fill([
        { _id: "1", words: ["oil", "lamp"] },
        { _id: "2", words: ["lamps"] },
        { _id: "3", words: [] },
        { _id: "4" },
      ]);
      expect(await idsOf({ words: "lamp" })).toBe("1");
      expect(await idsOf({ words: /^lamp/ })).toBe("1,2");
      expect(await idsOf({ $and: [{ words: /^lam/ }, { words: /^oi/ }] })).toBe("1");
      expect(await idsOf({ words: /^LAMPS/i })).toBe("2");
      expect(await idsOf({ words: /^amp/ })).toBe("");
      expect(await idsOf({ words: { $in: ["oil", "lamps"] } })).toBe("1,2");
      expect(await idsOf({ words: { $ne: "lamp" } })).toBe("2,3,4");
      expect(await idsOf({ words: { $nin: ["lamp", "lamps"] } })).toBe("3,4");
      expect(await idsOf({ words: { $exists: true } })).toBe("1,2,3");
      expect(await idsOf({ words: { $in: [null, "oil"] } })).toBe("1,4");
      expect(await idsOf({ words: { $nin: [null, "oil"] } })).toBe("2,3");
    });

    it("combines comparisons with $and and $or", async () => {
      await fill(
        [1, 2, 3, 4, 5].map((price) => ({
          _id: `${price}`,
          price,
          isSold: price % 2 === 0,
          name: `n${price}`,
        })),
      );
      expect(await idsOf({ price: { $gt: 1, $lte: 3 } })).toBe("2,3");
      expect(await idsOf({ price: { $gte: 4 }, isSold: false })).toBe("5");
      expect(await idsOf({ price: { $gte: "1" } })).toBe("");
      expect(await idsOf({ price: { $in: [1, 5, 9], $ne: 5 } })).toBe("1");
      expect(await idsOf({ $or: [{ price: 1 }, { price: { $gt: 3 }, isSold: true }] })).toBe("1,4");
      expect(await idsOf({ isSold: true, $or: [{ price: 1 }, { name: { $lt: "n3" } }] })).toBe("2");
      expect(await store.count({ isSold: false })).toBe(3);
    });

    it("pages through documents of the same instant in order, each once", async () => {
      const moments = [
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00.001Z",
        "2026-01-02T00:00:00.000Z",
      ];
      const docs = Array.from({ length: 25 }, (_, i) => ({
        _id: String(i * 7919).padStart(6, "0"),
        createdAt: moments[i % 3]!,
        isSold: false,
      }));
      await fill(docs);
      const newest = { field: "createdAt", direction: -1 } as const;
      const seen: string[] = [];
      for (let cursor: string | undefined, isMore = true; isMore;) {
        const page = await paginate(store, { isSold: false }, newest, { cursor, limit: 4 });
        seen.push(...page.rows.map(({ createdAt, _id }) => createdAt + _id));
        cursor = page.nextCursor ?? undefined;
        isMore = page.nextCursor !== null;
      }
      expect(seen).toEqual(
        docs
          .map(({ createdAt, _id }) => createdAt + _id)
          .sort()
          .reverse(),
      );
    });

    it("sorts by several fields, each in its own direction", async () => {
      await fill([
        { _id: "1", price: 10 },
        { _id: "2", price: 9 },
        { _id: "3", price: 10 },
        { _id: "4" },
      ]);
      const ids = async (sort: Record<string, 1 | -1>) =>
        (await store.find({}, { sort })).map(({ _id }) => _id).join();
      expect(await ids({ price: 1, _id: -1 })).toBe("4,2,3,1");
      expect(await ids({ price: -1, _id: 1 })).toBe("1,3,2,4");
    });

    it("throws on undefined instead of matching everything", async () => {
      await store.insert({ _id: "1" });
      for (const query of [
        { _id: undefined },
        { price: { $lt: undefined } },
        { $or: [{ _id: undefined }] },
      ])
        for (const call of [
          store.one(query),
          store.count(query),
          store.change(query, { $set: { price: 1 } }),
          store.remove(query),
        ])
          await expect(call).rejects.toThrow("undefined");
      expect(await store.find({})).toEqual([{ _id: "1" }]);
    });

    it("throws on values that JSON lacks, as an update does", async () => {
      await store.insert({ _id: "1", price: 1 });
      for (const value of [NaN, Infinity, 1n, new Date(0)]) {
        for (const query of [
          { price: value },
          { price: { $gte: value } },
          { price: { $in: [1, value] } },
        ])
          await expect(store.find(query)).rejects.toThrow("JSON has no form");
        for (const update of [
          { $set: { price: value } },
          { $set: { data: { deep: { n: value } } } },
        ])
          await expect(store.change({ _id: "1" }, update)).rejects.toThrow("JSON has no form");
      }
      expect(await store.find({})).toEqual([{ _id: "1", price: 1 }]);
    });

    it("throws on an unsupported operator, flag or path", async () => {
      const queries = [
        { $where: "1" },
        { $nor: [{}] },
        { _id: { $regex: "x" } },
        { _id: { $not: /x/ } },
        { _id: /x/g },
        { _id: /x/u },
      ];
      for (const query of [
        ...queries,
        { "__proto__.x": 1 },
        { 'a"b': 1 },
        { "a\\b": 1 },
        { data: { $type: "object" } },
      ])
        await expect(store.find(query)).rejects.toThrow(
          /Not every database supports|is not a path/,
        );
    });
  });

  describe("the service", () => {
    const closedActions = [
      "find",
      "count",
      "list",
      "create",
      "insert",
      "get",
      "update",
      "remove",
      "resolve",
      "replace",
      "stream",
    ];

    it("publishes none of moleculer-db's actions", async () => {
      for (const name of closedActions)
        await expect(shop.broker.call(`shop.${name}`, { id: "1" })).rejects.toMatchObject({
          name: "ServiceNotFoundError",
        });
      const [shown] = await shop.broker.call<{ actions: object }[], object>("$node.services", {
        withActions: true,
        skipInternal: true,
      });
      expect(shown!.actions).toEqual({});
    });

    it("shows nothing of its database to other nodes", async () => {
      const [shown] = await shop.broker.call<object[], object>("$node.services", {
        withActions: true,
        withEvents: true,
        skipInternal: true,
      });
      const published = JSON.stringify([shown, shop.broker.registry.getLocalNodeInfo()]);
      expect(published).not.toMatch(/mongodb:|127\.0\.0\.1:|\.db\b|things-/);
    });

    it("has a store that refuses calls once it is stopped", async () => {
      await shop.stop();
      expect(
        await tally([store.one({ _id: "1" }), store.insert({ _id: "1" }), store.ping()]),
      ).toEqual({ UNAVAILABLE: 3 });
      await reopen();
    });
  });
}
