import { jest } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { MongoClient } from "mongodb";
import { MongoStore } from "../../store/mongo.ts";
import { SqliteStore } from "../../store/sqlite/adapter.ts";
import { paginate } from "../../store/pagination.ts";
import type { Query, Update } from "../../store/store.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { Proxy } from "../support/proxy.ts";
import { SERVER_START, startMongo, type Server } from "../../bin/processes/servers.ts";
import { shopOn, storePromises, tally, things, type Thing } from "../support/store-promises.ts";

let server: Server;
beforeAll(async () => void (server = await startMongo()), SERVER_START);
afterAll(() => server.stop());

const database = `souk-test-${randomUUID()}`;
const urlOf = (options = "") => `${server.url}/${database}${options}`;
const open = (what: ReturnType<typeof things>) => new MongoStore(urlOf(), what);

/** The duration of a call (ms) and its result. */
async function timed(call: () => Promise<unknown>): Promise<{ ms: number; end: string }> {
  const startedAt = performance.now();
  const [end] = Object.keys(await tally([call()]));
  return { ms: performance.now() - startedAt, end: end! };
}

describe("a store in MongoDB", () => {
  describe("keeps the promises of a store:", () => storePromises(open));

  describe("searches frequent words that few documents share:", () => {
    const count = 7000;
    const newest = { field: "createdAt", direction: -1 } as const;
    const query = { $and: [{ words: /^odd/ }, { words: /^even/ }] };
    let shop: Awaited<ReturnType<typeof shopOn>>;
    let store: MongoStore;

    beforeAll(async () => {
      shop = await shopOn((what) => (store = open(what)));
      await eventually(() => shop.store.ping());
      const words = (n: number) => (n % 3500 === 3499 ? ["even", "odd"] : [n % 2 ? "odd" : "even"]);
      const docs = Array.from({ length: count }, (_, n) => ({
        _id: String(n).padStart(5, "0"),
        createdAt: new Date(1e12 - (n >> 2)).toISOString(),
        words: words(n),
      }));
      await store.collection.insertMany(docs);
    }, 60_000);
    afterAll(() => shop.stop());

    it("a page ends after 3,000 documents, and the pages together have each match once", async () => {
      const pages: string[][] = [];
      for (let cursor: string | null = null; cursor !== null || pages.length === 0;) {
        const from: { cursor?: string } = cursor === null ? {} : { cursor };
        const page: Awaited<ReturnType<typeof paginate<Thing>>> = await paginate(
          shop.store,
          query,
          newest,
          from,
        );
        pages.push(page.rows.map(({ _id }) => _id));
        cursor = page.nextCursor;
      }

      expect(pages).toEqual([[], ["03499"], ["06999"]]);
    });

    it("no operation fetches more, whatever plan the server chooses", async () => {
      const aggregate = jest.spyOn(store.collection, "aggregate");
      const find = jest.spyOn(store.collection, "find");
      await paginate(shop.store, query, newest, {});

      // MongoDB filters by words only what $limit has let through.
      for (const [pipeline = []] of aggregate.mock.calls) {
        const stages = pipeline.map((stage) => Object.keys(stage)[0]);
        expect(stages).toEqual(["$match", "$sort", "$limit", "$match", "$limit"]);
        expect(JSON.stringify(pipeline[0])).not.toContain("words");
        expect(pipeline[2]!.$limit).toBeLessThanOrEqual(6000);
      }
      expect(aggregate.mock.calls.length).toBeGreaterThan(0);
      for (const [filter, options] of find.mock.calls)
        expect("words" in filter! ? options!.limit : 1).toBeLessThanOrEqual(1001);
      aggregate.mockRestore();
      find.mockRestore();
    });

    it("a rare word among them leads to its documents at once", async () => {
      await store.collection.insertOne({ _id: "rare", createdAt: "2001", words: ["odd", "rare"] });
      const rare = { $and: [{ words: /^odd/ }, { words: /^rare/ }] };

      const page = await paginate(shop.store, rare, newest, {});

      expect(page).toMatchObject({ rows: [{ _id: "rare" }], nextCursor: null });
    });
  });

  describe("during an outage", () => {
    let shop: Awaited<ReturnType<typeof shopOn>>;
    afterEach(async () => {
      server.thaw();
      await shop.stop();
    });

    const works = () => eventually(() => shop.store.ping().then(() => true), { within: 2000 });
    const everyCall = () => [
      () => shop.store.insert({ _id: randomUUID() }),
      () => shop.store.one({ _id: "1" }),
      () => shop.store.find({}),
      () => shop.store.count({}),
      () => shop.store.change({ _id: "1" }, { $inc: { price: 1 } }),
      () => shop.store.changeMany({}, { $inc: { price: 1 } }),
      () => shop.store.remove({ _id: "none" }),
      () => shop.store.ping(),
    ];

    it("starts without its server, refuses within 1 s, and works 2 s after the server started", async () => {
      await server.kill();
      shop = await shopOn(open);
      for (const { ms, end } of await Promise.all(everyCall().map(timed))) {
        expect(end).toBe("UNAVAILABLE");
        expect(ms).toBeLessThan(1000);
      }
      await server.restart();
      await works();
      const inserts = Array.from({ length: 20 }, (_, i) =>
        shop.store.insert({ _id: `${i}`, email: "anna" }),
      );
      expect(await tally(inserts)).toEqual({ done: 1, "Duplicate email": 19 });
    });

    it("by a crash, ends every call within 3 s, then refuses at once, and has every acknowledged write afterwards", async () => {
      shop = await shopOn(open);
      await shop.store.ping();
      const acknowledged: string[] = [];
      const slowest = { ms: 0 };
      let isOver = false;
      const writers = Array.from({ length: 16 }, async () => {
        while (!isOver) {
          const _id = randomUUID();
          const { ms, end } = await timed(() => shop.store.insert({ _id }));
          slowest.ms = Math.max(slowest.ms, ms);
          expect(["done", "UNAVAILABLE"]).toContain(end);
          if (end === "done") acknowledged.push(_id);
          if (end === "UNAVAILABLE")
            await eventually(() => isOver || shop.store.ping().then(() => true), {
              within: 30_000,
            });
        }
      });
      await eventually(() => acknowledged.length > 100);
      await server.kill();
      await eventually(async () => (await timed(() => shop.store.ping())).ms < 50);
      for (const call of everyCall())
        expect(await timed(call)).toEqual({ end: "UNAVAILABLE", ms: expect.any(Number) });
      const before = acknowledged.length;
      await server.restart();
      await works();
      await eventually(() => acknowledged.length > before + 100);
      isOver = true;
      await Promise.all(writers);
      expect(slowest.ms).toBeLessThan(3000);
      const stored = new Set((await shop.store.find({})).map(({ _id }) => _id));
      expect(acknowledged.filter((_id) => !stored.has(_id))).toEqual([]);
    });

    it("by a freeze, ends every call within 3 s, refuses at once when it is detected, and works 2 s after its end", async () => {
      shop = await shopOn(open);
      await shop.store.insert({ _id: "1", price: 0 });
      server.freeze();
      const ended = await Promise.all(everyCall().map(timed));
      // Calls that the server had begun may still succeed.
      expect(new Set(ended.map(({ end }) => end))).toContain("UNAVAILABLE");
      for (const { ms, end } of ended) {
        expect(["UNAVAILABLE", "done", "null"]).toContain(end);
        expect(ms).toBeLessThan(3000);
      }
      expect((await timed(() => shop.store.ping())).ms).toBeLessThan(50);
      server.thaw();
      await works();
      expect(await shop.store.one({ _id: "1" })).toMatchObject({ _id: "1" });
    });

    it("by a freeze, lets its service stop", async () => {
      shop = await shopOn(open);
      await shop.store.insert({ _id: "1" });
      server.freeze();
      const { ms } = await timed(() => shop.stop());
      expect(ms).toBeLessThan(3000);
    });

    it("creates its unique indexes again when the server returns with another database", async () => {
      shop = await shopOn(open);
      await shop.store.insert({ _id: "1", email: "anna" });
      const client = new MongoClient(urlOf());
      await client.db().dropDatabase();
      await client.close();
      await server.kill();
      await eventually(async () => (await timed(() => shop.store.ping())).end === "UNAVAILABLE");
      await server.restart();
      await works();
      const inserts = Array.from({ length: 20 }, (_, i) =>
        shop.store.insert({ _id: `${i}`, email: "anna" }),
      );
      expect(await tally(inserts)).toEqual({ done: 1, "Duplicate email": 19 });
    });
  });

  it("starts, and ends every call within 3 s, when its server accepts connections and never answers", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    await eventually(() => silent.listening);
    const { port } = silent.address() as { port: number };
    const shop = await shopOn((what) => new MongoStore(`mongodb://127.0.0.1:${port}/souk`, what));
    const { ms, end } = await timed(() => shop.store.ping());
    expect(end).toBe("UNAVAILABLE");
    expect(ms).toBeLessThan(1000);
    await shop.stop();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("refuses writes in progress with UNAVAILABLE when its connections are cut", async () => {
    const proxy = await Proxy.before(Number(new URL(server.url).port));
    const url = `mongodb://127.0.0.1:${proxy.port}/${database}?directConnection=true`;
    const shop = await shopOn((what) => new MongoStore(url, what));
    const ends = new Set<string>();
    for (let n = 0; n < 20; n++) {
      await eventually(() => Promise.all(Array.from({ length: 5 }, () => shop.store.ping())));
      proxy.cut();
      const calls = [
        shop.store.insert({ _id: randomUUID() }),
        shop.store.change({ _id: "1" }, { $inc: { price: 1 } }),
        shop.store.one({}),
      ];
      for (const end of Object.keys(await tally(calls))) ends.add(end);
    }
    ends.delete("done");
    expect([...ends]).toEqual(["UNAVAILABLE"]);
    await shop.stop();
    await proxy.close();
  });

  it("passes no operation before its unique indexes exist: it refuses while duplicates exist, and works without them", async () => {
    const name = `things-${randomUUID()}`;
    const client = new MongoClient(urlOf());
    const collection = client.db().collection<Thing>(name);
    await collection.insertMany([
      { _id: "1", email: "anna" },
      { _id: "2", email: "anna" },
    ]);
    const shop = await shopOn(open, name);
    expect(
      await tally([shop.store.insert({ _id: "3" }), shop.store.find({}), shop.store.ping()]),
    ).toEqual({ UNAVAILABLE: 3 });
    await collection.deleteOne({ _id: "2" });
    await eventually(() => shop.store.ping().then(() => true));
    expect(await tally([shop.store.insert({ _id: "3", email: "anna" })])).toEqual({
      "Duplicate email": 1,
    });
    await shop.stop();
    await client.close();
  });

  describe("logs an outage", () => {
    const listening = async (url: string) => {
      const lines: string[] = [];
      const log = (line: string) => void lines.push(line);
      const store = new MongoStore(url, things("items"));
      store.init({}, { schema: { collection: "items" }, logger: { warn: log, info: log } });
      await store.connect();
      return { store, lines };
    };

    it("once, with its cause and without the password", async () => {
      const { store, lines } = await listening("mongodb://souk:geheim@127.0.0.1:1/souk-market");
      for (let i = 0; i < 20; i++)
        expect(await tally([store.ping(), store.count({ query: {} })])).toEqual({ UNAVAILABLE: 2 });
      await store.disconnect();
      expect(lines).toEqual([
        expect.stringMatching(/^MongoDB at 127\.0\.0\.1:1 \(souk-market\.items\) .*ECONNREFUSED/),
      ]);
      expect(lines.join()).not.toContain("geheim");
    });

    it("each time, and its end", async () => {
      const { store, lines } = await listening(urlOf());
      await store.ping();
      for (let outage = 1; outage <= 2; outage++) {
        await server.kill();
        await eventually(() => lines.length === 2 * outage - 1);
        await server.restart();
        await eventually(() => store.ping().then(() => true));
      }
      expect(lines.map((line) => /is unavailable|is available again/.exec(line)?.[0])).toEqual(
        [1, 2].flatMap(() => ["is unavailable", "is available again"]),
      );
      await store.disconnect();
    });
  });

  it("waits for a majority's journals and reads from a majority, unless the URL says otherwise", async () => {
    const [usual, own] = [
      open(things("items")),
      new MongoStore(urlOf("?W=1&journal=false&readConcernLevel=local"), things("items")),
    ];
    expect(usual.collection.writeConcern).toMatchObject({ w: "majority", journal: true });
    expect(usual.collection.readConcern).toEqual({ level: "majority" });
    expect(own.collection.writeConcern).toMatchObject({ w: 1, journal: false });
    expect(own.collection.readConcern).toEqual({ level: "local" });
    await Promise.all([usual.disconnect(), own.disconnect()]);
  });

  it("uses its indexes", async () => {
    const store = open(things(`things-${randomUUID()}`));
    await store.connect();
    await store.ping();
    const planOf = async (query: object, sort: Record<string, 1 | -1>) =>
      JSON.stringify(
        (
          (await store.collection.find(query).sort(sort).explain()) as {
            queryPlanner: { winningPlan: object };
          }
        ).queryPlanner.winningPlan,
      );
    expect(await planOf({ email: "anna" }, {})).toContain("IXSCAN");
    const page = await planOf(
      { isSold: false, createdAt: { $lte: "2026" } },
      { createdAt: -1, _id: -1 },
    );
    expect(page).toContain("isSold_1_createdAt_1__id_1");
    expect(page).not.toContain("SORT");
    await store.disconnect();
  });

  it("gives the same result as a SQLite file for any query and update", async () => {
    const dir = mkdtempSync(join(tmpdir(), "souk-same-"));
    const name = `things-${randomUUID()}`;
    const [mongo, sqlite] = [
      await shopOn(open, name),
      await shopOn((what) => new SqliteStore(join(dir, "same.sqlite"), what), name),
    ];
    const resultOf = async (store: typeof mongo.store, query: Query, update: Update) => {
      const all = { sort: { _id: 1 } } as const;
      const found = await store.find(query, all);
      const page = await store.find(query, { sort: { price: -1, _id: 1 }, limit: 3 });
      return [
        found,
        page,
        await store.count(query),
        await store.changeMany(query, update).catch(() => "refused"),
        await store.find({}, all),
      ];
    };
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(thing, { selector: ({ _id }) => _id, maxLength: 8 }),
        query(),
        update,
        async (docs, filter, change) => {
          for (const { store } of [mongo, sqlite]) {
            for (const { _id } of await store.find({})) await store.remove({ _id });
            for (const doc of docs) await store.insert(doc);
          }
          expect(await resultOf(mongo.store, filter, change)).toEqual(
            await resultOf(sqlite.store, filter, change),
          );
        },
      ),
      { numRuns: 500 },
    );
    await Promise.all([mongo.stop(), sqlite.stop()]);
    rmSync(dir, { recursive: true });
  }, 120_000);
});

/** Few values, so that random queries match. */
const word = fc.constantFrom("a", "ab", "b", "é", "");
const price = fc.constantFrom(-1, 0, 1, 2);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const thing: fc.Arbitrary<Thing> = fc.record(
  {
    _id: fc.constantFrom(..."abcdefghij"),
    name: word,
    price,
    isSold: fc.boolean(),
    soldAt: fc.constantFrom(null, "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"),
    words: fc.array(word, { maxLength: 3 }),
    data: fc.record({ deep: fc.record({ n: price }, { requiredKeys: [] }) }, { requiredKeys: [] }),
  },
  { requiredKeys: ["_id"] },
);

const conditions = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof(
    value,
    fc.constant(null),
    fc.record({ $ne: fc.oneof(value, fc.constant(null)) }),
    fc.record({ $in: fc.array(fc.oneof(value, fc.constant(null)), { maxLength: 2 }) }),
    fc.record({ $nin: fc.array(fc.oneof(value, fc.constant(null)), { maxLength: 2 }) }),
    fc.record({ $exists: fc.boolean() }),
  );
const ranges = <T>(value: fc.Arbitrary<T>) =>
  fc.record(
    { $gte: value, $lt: value, $lte: value, $gt: value, $ne: value },
    { requiredKeys: ["$lte"] },
  );

const fields = {
  name: fc.oneof(conditions(word), ranges(word), fc.constantFrom(/^a/, /b$/, /A/i)),
  price: fc.oneof(conditions(price), ranges(price)),
  isSold: conditions(fc.boolean()),
  soldAt: fc.oneof(
    conditions(fc.constant("2026-01-01T00:00:00.000Z")),
    ranges(fc.constant("2026-01-01T00:00:00.000Z")),
  ),
  words: fc.oneof(conditions(word), fc.constantFrom(/^a/, /b$/)),
  "data.deep.n": fc.oneof(conditions(price), ranges(price)),
};
/** Conditions on one field or two. More would match nothing. */
const simple = fc
  .array(
    fc.oneof(
      ...Object.entries(fields).map(([field, value]) =>
        fc.record({ [field]: value as fc.Arbitrary<unknown> }),
      ),
    ),
    {
      maxLength: 2,
    },
  )
  .map((parts): Query => Object.assign({}, ...parts));
const few = maybe(fc.array(simple, { minLength: 1, maxLength: 2 }));
const query = (): fc.Arbitrary<Query> =>
  fc
    .tuple(simple, few, few)
    .map(([all, $or, $and]) => ({ ...all, ...($or && { $or }), ...($and && { $and }) }));

const update: fc.Arbitrary<Update> = fc.record(
  {
    $set: fc.record(
      { name: word, "data.deep.n": price, soldAt: fc.constant(null) },
      { requiredKeys: ["name"] },
    ),
    $unset: fc.constantFrom({ isSold: true }, { "data.other": true }),
    $inc: fc.record({ price }),
    $push: fc.constantFrom({ words: "new" }, { words: { $each: ["x", "y"], $slice: -2 } }),
  },
  { requiredKeys: ["$inc"] },
);
