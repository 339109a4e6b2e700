import { randomUUID } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import { SqliteStore } from "../../store/sqlite/adapter.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import type { Operation } from "../../store/sqlite/operations.ts";
import { RecoveringDatabase } from "../../store/sqlite/recovering-database.ts";
import type { Query, Store } from "../../store/store.ts";
import { shopOn, storePromises, tally, things, type Thing } from "../support/store-promises.ts";

const dir = mkdtempSync(join(tmpdir(), "souk-sqlite-"));
const fileOf = (name: string) => join(dir, `${name}.sqlite`);
const open = (what: ReturnType<typeof things>) => new SqliteStore(fileOf(what.name), what);

afterAll(() => rmSync(dir, { recursive: true }));

/** Runs SQL on the file, as another program would. */
function withFile<T>(name: string, act: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(fileOf(name));
  try {
    return act(db);
  } finally {
    db.close();
  }
}

describe("a store in a SQLite file", () => {
  describe("keeps the promises of a store:", () => storePromises(open));

  it.each([
    ["a document", `UPDATE "altered" SET doc = replace(doc, 'lamp', 'lump') WHERE _id = '1'`],
    ["a column of a document", `UPDATE "altered" SET isSold = 0 WHERE _id = '1'`],
  ])("refuses %s that was altered, serves the others, and logs it once", async (_what, sql) => {
    const { store, stop, broker } = await shopOn(open, "altered");
    const logged: string[] = [];
    broker.getLocalService("shop").logger.error = (message: string) => void logged.push(message);
    await store.insert({ _id: "1", name: "lamp", isSold: true });
    await store.insert({ _id: "2", name: "rug", isSold: false });
    withFile("altered", (db) => db.exec(sql));

    const sell = (_id: string) =>
      store.change({ _id, isSold: false }, { $set: { isSold: true, buyerId: "anna" } });
    expect(await tally([sell("1"), sell("1")])).toEqual(
      sql.includes("isSold") ? { UNAVAILABLE: 2 } : { null: 2 },
    );
    expect(await tally([store.change({ _id: "1" }, { $set: { name: "x" } })])).toEqual({
      UNAVAILABLE: 1,
    });
    expect(await sell("2")).toMatchObject({ buyerId: "anna" });
    expect(new Set(logged).size).toBe(logged.length);
    expect(logged[0]).toMatch(/altered\.sqlite is unavailable: .+\.$/);
    await stop();
    rmSync(fileOf("altered"));
  });

  it("keeps array elements in step with their documents", async () => {
    const { store, stop } = await shopOn(open, "elements");
    await store.insert({ _id: "1", words: ["oil", "lamp", "lamp"] });
    await store.change({ _id: "1" }, { $set: { words: ["lamp", "new"] } });
    await store.insert({ _id: "2", words: ["gone"] });
    await store.remove({ _id: "2" });
    const elements = withFile("elements", (db) =>
      db.prepare(`SELECT value, _id FROM "elements.words" ORDER BY value`).all(),
    );
    expect(elements.map(({ value, _id }) => [value, _id])).toEqual([
      ["lamp", "1"],
      ["new", "1"],
    ]);
    await stop();
  });

  it("finds the same by a word that few documents have and by one that most have", async () => {
    const { store, stop } = await shopOn(open, "frequent");
    const docs = Array.from({ length: 2500 }, (_, n) => ({
      _id: String(n).padStart(5, "0"),
      createdAt: new Date(1.8e12 + n * 1000).toISOString(),
      words: ["common", ...(n % 500 === 7 ? ["rare"] : [])],
    }));
    await Promise.all(docs.map((doc) => store.insert(doc)));
    const newest = async (query: Query) =>
      (await store.find(query, { sort: { createdAt: -1, _id: -1 }, limit: 3 })).map(
        ({ _id }) => _id,
      );
    expect(await newest({ words: /^comm/ })).toEqual(["02499", "02498", "02497"]);
    expect(await newest({ words: /^rar/ })).toEqual(["02007", "01507", "01007"]);
    expect(await newest({ $and: [{ words: /^rar/ }, { words: /^comm/ }] })).toEqual([
      "02007",
      "01507",
      "01007",
    ]);
    await stop();
  });

  describe("a search of words that most documents have", () => {
    const count = 4500;
    const wordsOf = (n: number) => ["common", n % 2 ? "odd" : "even"];
    const fill = (store: Store<Thing>) =>
      Promise.all(
        Array.from({ length: count }, (_, n) =>
          store.insert({
            _id: String(n).padStart(5, "0"),
            createdAt: new Date(1.8e12 + Math.floor(n / 3) * 1000).toISOString(),
            isSold: n < 4000,
            words: wordsOf(n),
          }),
        ),
      );
    const idsOf = async (store: Store<Thing>, query: Query, way: 1 | -1, limit: number) =>
      (await store.find(query, { sort: { createdAt: way, _id: way }, limit })).map(({ _id }) =>
        Number(_id),
      );
    const numbers = Array.from({ length: count }, (_, n) => n);

    it("finds all of them in order, over several turns, from either end and within other conditions", async () => {
      const { store, stop } = await shopOn(open, "walk");
      await fill(store);
      const odd = numbers.filter((n) => n % 2);
      expect(await idsOf(store, { words: /^odd/ }, 1, 5000)).toEqual(odd);
      expect(await idsOf(store, { words: /^odd/ }, -1, 2100)).toEqual(
        odd.toReversed().slice(0, 2100),
      );
      const sold = { isSold: true, $and: [{ words: /^common/ }, { words: /^even/ }] };
      expect(await idsOf(store, sold, -1, 3)).toEqual([3998, 3996, 3994]);
      await stop();
    });
  });

  it("goes on with one of many searches at a time, so that other operations wait for one", () => {
    const what = things("searches");
    const file = fileOf("searches");
    const database = new RecoveringDatabase(file, layoutOf(what));
    database.open();
    const docs = Array.from({ length: 4500 }, (_, n) => ({
      _id: `${n}`,
      createdAt: new Date(1.8e12 + n * 1000).toISOString(),
      words: ["common", n % 2 ? "odd" : "even"],
    }));
    database.run(docs.map((doc, n) => [n, { type: "insert", doc }]));
    const query = { $and: [{ words: /^odd/ }, { words: /^even/ }] };
    const search: Operation = { type: "find", query, sort: ["createdAt", "_id"], limit: 20 };
    expect(database.run([1, 2, 3].map((id) => [id, search]))).toEqual([]);
    let turns = 0;
    for (; database.hasUnfinished; turns++) database.run([]);
    // Each has read 1,000 of the 4,500 documents in the first turn.
    expect(turns).toBe(3 * 4);
    database.close();
  });

  it("fills the columns and elements of indexes that are declared later, and drops those that are no more", async () => {
    const name = "later";
    const { store, stop } = await shopOn((what) => open({ ...what, indexes: [] }), name);
    await store.insert({ _id: "1", email: "anna", words: ["lamp"], isSold: true });
    await stop();

    const again = await shopOn(open, name);
    expect(await again.store.find({ words: /^la/, isSold: true })).toHaveLength(1);
    expect(await tally([again.store.insert({ _id: "2", email: "anna" })])).toEqual({
      "Duplicate email": 1,
    });
    await again.stop();

    const last = await shopOn((what) => open({ ...what, indexes: [] }), name);
    await last.store.insert({ _id: "2", email: "anna" });
    await last.stop();
    const indexes = withFile(name, (db) => db.prepare(`PRAGMA index_list("later")`).all());
    expect(indexes.map(({ origin }) => origin)).toEqual(["pk"]);
  });

  it("refuses to start with one sentence while two documents violate a unique index", async () => {
    const name = "twins";
    const { store, stop } = await shopOn((what) => open({ ...what, indexes: [] }), name);
    await store.insert({ _id: "1", email: "anna" });
    await store.insert({ _id: "2", email: "anna" });
    await stop();
    await expect(shopOn(open, name)).rejects.toThrow(
      /twins\.sqlite cannot be used as a database: UNIQUE constraint failed: twins\.email\.$/,
    );
  });

  it("is readable only by its owner", async () => {
    const { store, stop } = await shopOn(open, "modes");
    await store.insert({ _id: "1" });
    for (const suffix of ["", "-wal", "-shm"])
      expect(statSync(fileOf("modes") + suffix).mode & 0o777).toBe(0o600);
    await stop();
  });

  it("waits for another program that holds the file for a moment, and refuses calls while it is held longer", async () => {
    const { store, stop } = await shopOn(open, "held");
    await store.insert({ _id: "1", price: 1 });
    const holder = new DatabaseSync(fileOf("held"));
    holder.exec("BEGIN IMMEDIATE");
    const change = () => store.change({ _id: "1" }, { $inc: { price: 1 } });
    expect(await tally([change()])).toEqual({ UNAVAILABLE: 1 });
    expect(await store.one({ _id: "1" })).toEqual({ _id: "1", price: 1 });
    holder.exec("ROLLBACK");
    holder.close();
    await eventually(change);
    expect(await store.one({ _id: "1" })).toEqual({ _id: "1", price: 2 });
    await stop();
  });

  it("keeps whole numbers up to 2^53, any text and unknown names of a record exactly", async () => {
    const { store, stop } = await shopOn(open, "exact");
    const sid = randomUUID();
    const doc = {
      _id: "1",
      number: Number.MAX_SAFE_INTEGER,
      price: Number.MIN_SAFE_INTEGER,
      name: "' \" \\ % _ \u{1F981}",
      sessions: { [sid]: { token: "it's" }, "0": { token: "0" } },
    };
    await store.insert(doc);
    expect(await store.one({ number: Number.MAX_SAFE_INTEGER })).toEqual(doc);
    expect(await store.one({ number: Number.MAX_SAFE_INTEGER - 1 })).toBeNull();
    expect(await store.one({ [`sessions.${sid}.token`]: "it's" })).toEqual(doc);
    expect(await store.one({ "sessions.0.token": "0" })).toEqual(doc);
    await stop();
  });

  it("is unavailable while its file is gone, each time, and goes on when it is back", async () => {
    const shop = await shopOn(open, "moved");
    const file = fileOf("moved");
    for (const round of ["first", "second"]) {
      await shop.store.insert({ _id: round });
      for (const part of ["", "-wal", "-shm"]) renameSync(file + part, `${file}${part}.moved`);
      expect(await tally([shop.store.insert({ _id: "lost" }), shop.store.find({})])).toEqual({
        UNAVAILABLE: 2,
      });
      // A database is opened again at most every 500 ms.
      for (const since = performance.now(); performance.now() - since < 1200;)
        expect(await tally([shop.store.find({})])).toEqual({ UNAVAILABLE: 1 });
      expect(existsSync(file)).toBe(false);
      for (const part of ["", "-wal", "-shm"]) renameSync(`${file}${part}.moved`, file + part);
      await eventually(() => shop.store.ping(), { within: 30_000 });
      expect(await shop.store.one({ _id: round })).toEqual({ _id: round });
    }
    await shop.stop();
  });

  it("says that only a restart helps while another file is in its place, and serves its own when that is back", async () => {
    const store = open(things("replaced"));
    await store.connect();
    const { file } = store;
    await eventually(() => store.ping());
    renameSync(file, `${file}.own`);
    await expect(store.ping()).rejects.toMatchObject({ type: "UNAVAILABLE" });
    expect(store.fault).toBeUndefined();

    copyFileSync(`${file}.own`, file);
    await eventually(async () => {
      await expect(store.ping()).rejects.toMatchObject({ type: "UNAVAILABLE" });
      expect(store.fault).toMatch(/^finds another file at \S+, which only a restart may use$/);
    });

    renameSync(`${file}.own`, file);
    await eventually(() => store.ping());
    expect(store.fault).toBeUndefined();
    await store.disconnect();
  });

  it("does not use another file in its place, even when that could get the number of the lost one", () => {
    const [file, { now }] = [fileOf("reused"), performance];
    const database = new RecoveringDatabase(file, layoutOf(things("reused")));
    const sell: Operation = {
      type: "updateOne",
      query: { _id: "1", isSold: false },
      update: { $set: { isSold: true } },
    };
    const unavailable = [
      [1, { failure: { type: "unavailable", message: expect.any(String) as string } }],
    ];
    database.open();
    database.run([[1, { type: "insert", doc: { _id: "1", isSold: false } }]]);
    withFile("reused", (db) => db.exec(`VACUUM INTO '${file}.copy'`));
    database.run([[1, sell]]);
    const lost = statSync(file).ino;
    try {
      for (const part of ["", "-wal", "-shm"]) rmSync(file + part, { force: true });
      expect(database.run([[1, { type: "ping" }]])).toEqual(unavailable);
      // A file system gives the lowest free number first. One of so many files would get the lost one.
      const copies = Array.from({ length: 100 }, (_, n) => `${file}.copy-${n}`);
      for (const copy of copies) copyFileSync(`${file}.copy`, copy);
      expect(copies.filter((copy) => statSync(copy).ino === lost)).toEqual([]);
      renameSync(copies[0]!, file);
      // The file is opened again when its pause is over.
      performance.now = () => now.call(performance) + 60_000;
      const [[, outcome]] = database.run([[1, sell]]) as [[number, object]];
      expect(outcome).toMatchObject({ failure: { type: "unavailable", needsRestart: true } });
    } finally {
      performance.now = now;
      database.close();
    }
  });

  it("refuses operations while it closes, finishes those before, and can be opened again", async () => {
    const store = open(things("closing"));
    await store.connect();
    const inserts = Array.from({ length: 300 }, (_, n) => store.insert({ _id: `${n}` }));
    const closing = [store.disconnect(), store.disconnect()];
    expect(await tally([store.insert({ _id: "late" })])).toEqual({ UNAVAILABLE: 1 });
    expect(await tally(inserts)).toEqual({ done: 300 });
    await Promise.all(closing);
    await store.connect();
    expect(await store.count({ query: {} })).toBe(300);
    await store.disconnect();
  });

  it("refuses an operand that no database has a type for, and serves the operations beside it", async () => {
    const { store, stop } = await shopOn(open, "operand");
    await store.insert({ _id: "1", price: 1 });
    const [odd, plain] = await Promise.allSettled([
      store.find({ price: { $gt: { x: 1 } } }),
      store.find({ price: { $gt: 0 } }),
    ]);
    expect(odd.status).toBe("rejected");
    expect(plain).toMatchObject({ status: "fulfilled", value: [{ _id: "1" }] });
    await stop();
  });
});
