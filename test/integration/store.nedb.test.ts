import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually } from "../../bin/processes/eventually.ts";
import { toNedb } from "../../store/nedb-query.ts";
import { NedbStore } from "../../store/nedb.ts";
import { shopOn, storePromises, tally, things } from "../support/store-promises.ts";

const dir = mkdtempSync(join(tmpdir(), "souk-nedb-"));
const fileOf = (name: string) => join(dir, `${name}.db`);
const open = (what: ReturnType<typeof things>) => new NedbStore(fileOf(what.name), what);
const inDir = (name: string) => shopOn(open, name);
const linesOf = (name: string) => readFileSync(fileOf(name), "utf8").split("\n").filter(Boolean);

afterAll(() => rmSync(dir, { recursive: true }));

describe("a store in a NeDB file", () => {
  describe("keeps the promises of a store:", () => storePromises(open));

  describe("after a kill", () => {
    it("has every acknowledged write, and accepts new ones", async () => {
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, "../support/nedb-writer.ts"), fileOf("killed")],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const ended = once(child, "exit");
      const acknowledged: string[] = [];
      for await (const _id of createInterface({ input: child.stdout })) {
        acknowledged.push(_id);
        if (acknowledged.length === 300) child.kill("SIGKILL");
      }
      expect((await ended)[1]).toBe("SIGKILL");
      const shop = await inDir("killed");
      const stored = new Set((await shop.store.find({})).map(({ _id }) => _id));
      expect(acknowledged.filter((_id) => !stored.has(_id))).toEqual([]);
      await shop.store.insert({ _id: "after" });
      await shop.stop();
    });

    it("starts without its last write, cut off at any byte, and with all writes before it", async () => {
      const [one, two] = [`{"_id":"1","name":"Löwe"}`, `{"_id":"2","name":"Löwe 🦁"}`].map((line) =>
        Buffer.from(line),
      );
      for (let length = 0; length <= two!.length; length++) {
        writeFileSync(
          fileOf("torn"),
          Buffer.concat([one!, Buffer.from("\n"), two!.subarray(0, length)]),
        );
        const store = open(things("torn"));
        await store.connect();
        const wanted = length === two!.length ? ["1", "2"] : ["1"];
        expect((await store.find({ query: {}, sort: ["_id"] })).map(({ _id }) => _id)).toEqual(
          wanted,
        );
        await store.insert({ _id: "3" });
        await store.disconnect();
        const ids = linesOf("torn").map((line) => (JSON.parse(line) as { _id?: string })._id);
        expect(ids.filter(Boolean)).toEqual([...wanted, "3"]);
      }
    });

    it("starts from the compacted file of an interrupted compaction", async () => {
      writeFileSync(`${fileOf("compacting")}~`, `{"_id":"1"}\n{"_id":"2","na`);
      const shop = await inDir("compacting");
      expect(await shop.store.find({})).toEqual([{ _id: "1" }]);
      await shop.stop();
    });
  });

  describe("that is broken", () => {
    const refused = async (name: string, words: RegExp) => {
      const error = await inDir(name).then(
        () => undefined,
        (error: Error) => error,
      );
      expect(error?.message).toMatch(words);
      expect(error?.message).toContain(fileOf(name));
      expect(error?.message).toMatch(/^[^\n]+\.$/);
    };

    it.each([
      ["not JSON", `{"_id":"2","na`],
      ["not a document", `"hello"`],
      ["a document without an id", `{"name":"lamp"}`],
      ["zeros", "\0\0\0\0"],
      [
        "not UTF-8",
        Buffer.from([...Buffer.from(`{"_id":"2","name":"`), 0xff, ...Buffer.from(`"}`)]),
      ],
    ])(
      "refuses to start and leaves the file unchanged when a line in the middle is %s",
      async (_what, line) => {
        const rows = Array.from({ length: 50 }, (_, i) => `{"_id":"row-${i}"}\n`).join("");
        const bytes = Buffer.concat([
          Buffer.from(`{"_id":"1"}\n`),
          Buffer.from(line),
          Buffer.from(`\n${rows}`),
        ]);
        writeFileSync(fileOf("broken"), bytes);
        await refused("broken", /is broken in line 2/);
        expect(readFileSync(fileOf("broken"))).toEqual(bytes);
        rmSync(fileOf("broken"));
      },
    );

    it("refuses to start when NeDB itself finds a broken line", async () => {
      writeFileSync(
        fileOf("ends"),
        Array.from({ length: 50 }, (_, i) => `{"_id":"${i}","name":"${i ? "" : "\u2028"}"}\n`).join(
          "",
        ),
      );
      await refused("ends", /cannot be used.*corrupt/);
    });

    it("refuses to start when a folder is in its place", async () => {
      mkdirSync(fileOf("folder"));
      await refused("folder", /cannot be (read|used)/);
    });

    it("refuses to start when its folder cannot be created", async () => {
      writeFileSync(join(dir, "occupied"), "");
      await refused("occupied/things", /cannot be (read|used).*ENOTDIR/);
    });

    it("refuses to start when two documents violate a unique index", async () => {
      writeFileSync(fileOf("twins"), `{"_id":"1","email":"anna"}\n{"_id":"2","email":"anna"}\n`);
      await refused("twins", /cannot be used.*unique/);
    });
  });

  describe("after a failed write", () => {
    /** Appends fail as on a full disk: the file is renamed, and a folder takes its place. */
    const disk = (name: string) => ({
      fill() {
        renameSync(fileOf(name), `${fileOf(name)}.moved`);
        mkdirSync(fileOf(name));
      },
      free() {
        rmdirSync(fileOf(name));
        renameSync(`${fileOf(name)}.moved`, fileOf(name));
      },
    });

    it("refuses every call, then recovers from what the file holds", async () => {
      const shop = await inDir("full");
      await shop.store.insert({ _id: "1", isSold: false });
      disk("full").fill();
      const sell = (buyerId: string) =>
        shop.store.change({ _id: "1", isSold: false }, { $set: { isSold: true, buyerId } });
      // The calls after the first must not read its change, which is only in memory.
      expect(
        await tally([
          sell("anna"),
          sell("bert"),
          shop.store.one({ _id: "1" }),
          shop.store.count({ isSold: true }),
        ]),
      ).toEqual({
        UNAVAILABLE: 4,
      });
      expect(
        await tally([
          shop.store.insert({ _id: "2" }),
          shop.store.ping(),
          shop.store.remove({ _id: "1" }),
        ]),
      ).toEqual({
        UNAVAILABLE: 3,
      });
      disk("full").free();
      await eventually(() => shop.store.ping().then(() => true));
      expect(await shop.store.find({})).toEqual([{ _id: "1", isSold: false }]);
      expect(await sell("carl")).toMatchObject({ buyerId: "carl" });
      await shop.stop();
      const again = await inDir("full");
      expect(await again.store.find({})).toEqual([{ _id: "1", isSold: true, buyerId: "carl" }]);
      await again.stop();
    });

    it("removes the half of a line that was written", async () => {
      const shop = await inDir("half");
      await shop.store.insert({ _id: "1" });
      disk("half").fill();
      appendFileSync(`${fileOf("half")}.moved`, `{"_id":"2","na`);
      expect(await tally([shop.store.insert({ _id: "2", name: "lamp" })])).toEqual({
        UNAVAILABLE: 1,
      });
      disk("half").free();
      await eventually(() => shop.store.insert({ _id: "3" }));
      expect((await shop.store.find({}, { sort: { _id: 1 } })).map(({ _id }) => _id)).toEqual([
        "1",
        "3",
      ]);
      await shop.stop();
    });
  });

  it("uses the index of _id, whatever other fields a query has", () => {
    for (const query of [
      { _id: "1", email: "anna", price: 1 },
      { price: 1, email: "anna", _id: "1" },
      { email: "anna", _id: "1", price: null },
    ])
      expect(
        Object.keys(toNedb(query, things("any")))
          .filter((key) => key !== "$and")
          .at(-1),
      ).toBe("_id");
    expect(Object.keys(toNedb({ email: "anna", price: 1 }, things("any"))).at(-1)).toBe("email");
  });

  it("is compacted when it is closed, and readable only by its owner", async () => {
    const shop = await inDir("compact");
    await shop.store.insert({ _id: "1", price: 0 });
    for (let i = 0; i < 20; i++) await shop.store.change({ _id: "1" }, { $inc: { price: 1 } });
    expect(linesOf("compact").filter((line) => line.includes("price")).length).toBeGreaterThan(20);
    await shop.stop();
    expect(linesOf("compact").filter((line) => line.includes(`"_id":"1"`))).toEqual([
      `{"_id":"1","price":20}`,
    ]);
    expect(statSync(fileOf("compact")).mode & 0o777).toBe(0o600);
  });

  it("has exactly the indexes that are declared, whatever the file records", async () => {
    writeFileSync(
      fileOf("indexes"),
      `{"_id":"1","email":"anna","name":"x"}\n{"$$indexCreated":{"fieldName":"email"}}\n{"$$indexCreated":{"fieldName":"name","unique":true}}\n`,
    );
    const shop = await inDir("indexes");
    expect(
      await tally([
        shop.store.insert({ _id: "2", name: "x" }),
        shop.store.insert({ _id: "3", email: "anna" }),
      ]),
    ).toEqual({
      done: 1,
      "Duplicate email": 1,
    });
    await shop.stop();
  });
});
