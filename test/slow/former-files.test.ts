/** The import of a data folder of version 0.1.0. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import {
  spawnNode,
  startNode,
  temporaryFolder,
  type Node,
} from "../../bin/processes/node-process.ts";
import { ItemDocument } from "../../domain/item.ts";
import { AccountDocument } from "../../domain/account.ts";
import { storedWords } from "../../domain/words.ts";
import { fill } from "../../store/former/fill.ts";
import { Database } from "../../store/sqlite/database.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import type { Stored } from "../../store/store.ts";

const fixture = join(import.meta.dirname, "../fixtures/0.1.0/embedded");
const layouts = {
  items: layoutOf({
    name: "items",
    document: ItemDocument,
    indexes: [
      { fields: ["words"] },
      { fields: ["price", "_id"] },
      { fields: ["saleId"], unique: true, sparse: true },
    ],
  }),
  accounts: layoutOf({
    name: "accounts",
    document: AccountDocument,
    indexes: [{ fields: ["email"], unique: true }],
  }),
};
const nodes: Node[] = [];
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.end("SIGKILL")));
  folder.remove();
});

const place = (name: string) => join(folder.path, name);

/** Imports a file with this content. Returns its documents by id. */
function imported(
  content: string | Buffer,
  table: keyof typeof layouts = "items",
): Record<string, Stored> {
  writeFileSync(place("old.db"), content);
  const to = place("new.sqlite");
  fill({ from: place("old.db"), to, layout: layouts[table] });
  const database = new Database(to, layouts[table]);
  database.open();
  const [found] = database.run([{ type: "find", query: {} }]) as { result: string }[];
  database.close();
  return Object.fromEntries((JSON.parse(found!.result) as Stored[]).map((doc) => [doc._id, doc]));
}

const item = (_id: string, rest: object = {}) => ({
  _id,
  v: 1,
  title: "Lamp",
  description: "",
  price: 5,
  words: ["old"],
  ...rest,
});
const lines = (...rows: unknown[]) =>
  rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join("");
/** The hash of each file; of the keys all but the one of web push, which 0.1.0 had not. */
const digest = (path: string) =>
  Object.fromEntries(
    readdirSync(path).map((name) => {
      const content = readFileSync(join(path, name));
      const kept = name === "keys.json" ? withoutPushKey(content) : content;
      return [name, createHash("sha256").update(kept).digest("hex")];
    }),
  );
function withoutPushKey(content: Buffer): string {
  const { push: _push, ...keys } = JSON.parse(content.toString()) as { push?: unknown };
  return JSON.stringify(keys);
}

describe("a file of version 0.1.0", () => {
  it("gives the last line of each document, without the removed ones, and with the words of the present rule", () => {
    const words = storedWords({ title: "Lamp", description: "" });
    const content = lines(
      { $$indexCreated: { fieldName: "saleId", unique: true, sparse: true } },
      item("1"),
      item("2"),
      item("3"),
      item("1", { price: 6 }),
      "",
      { $$deleted: true, _id: "2" },
      { $$deleted: true, _id: "4" },
      { $$indexRemoved: "x" },
      item("3", { saleId: "s", nested: { __proto__x: [null, 1.5, "\ud800"] } }),
    );
    expect(imported(content)).toEqual({
      1: { ...item("1", { price: 6 }), words },
      3: { ...item("3", { saleId: "s", nested: { __proto__x: [null, 1.5, "\ud800"] } }), words },
    });
  });

  it("may end without a line end, have long lines, and be empty", () => {
    const description = "é".repeat(3_000_000);
    expect(imported(lines(item("1")) + JSON.stringify(item("2", { description })))).toMatchObject({
      1: {},
      2: { description },
    });
    expect(imported("")).toEqual({});
  });

  it("moves a unique value from a document to another", () => {
    const account = (_id: string, email: string) => ({ _id, email });
    const content = lines(
      account("1", "a@b"),
      { $$deleted: true, _id: "1" },
      account("2", "a@b"),
      account("2", "c@d"),
      account("3", "a@b"),
    );
    expect(imported(content, "accounts")).toMatchObject({
      2: { email: "c@d" },
      3: { email: "a@b" },
    });
  });

  it.each<[string, string | Buffer, string]>([
    [
      "an unfinished last line",
      `${lines(item("1"))}{"_id":"2","ti`,
      "line 2 is not a document in JSON",
    ],
    [
      "text that is not JSON",
      lines(item("1"), "hello", item("2")),
      "line 2 is not a document in JSON",
    ],
    ["a list", lines("[]"), "line 1 is not a document in JSON"],
    [
      "bytes that are not UTF-8",
      Buffer.from(lines(item("1"), item("2", { title: "\u00ff" })), "latin1"),
      "line 2 is not UTF-8",
    ],
    ["a document without _id", lines(item("1"), { title: "x" }), "line 2 has no _id"],
    ["a document with a number as _id", lines({ _id: 1 }), "line 1 has no _id"],
    [
      "zeros at its end",
      Buffer.concat([Buffer.from(lines(item("1"))), Buffer.alloc(4096)]),
      "line 2 is not a document in JSON",
    ],
    ["only zeros", Buffer.alloc(70 << 20), "line 1 is longer than any document"],
    ["an item without a title", lines({ _id: "1" }), "line 1 is not a document of Souk"],
    [
      "two documents with one unique value",
      lines(item("1", { saleId: "s" }), item("2"), item("3", { saleId: "s" })),
      "line 3 has a value of a unique field that an earlier line has",
    ],
  ])("with %s is refused in one sentence, and leaves nothing", (_what, content, reason) => {
    expect(() => imported(content)).toThrow(
      `${place("old.db")} cannot be imported: ${reason}: restore the file from a backup, or repair or remove that line.`,
    );
    expect(readdirSync(folder.path)).toEqual(["old.db"]);
    expect(readFileSync(place("old.db")).equals(Buffer.from(content))).toBe(true);
  });
});

describe("a market on a folder of version 0.1.0", () => {
  const start = async (env: object = {}) => {
    const node = await startNode([], { DATA_DIR: folder.path, LOG_LEVEL: "info", ...env });
    nodes.push(node);
    return node;
  };
  const refused = async () => {
    const node = spawnNode([], { DATA_DIR: folder.path });
    nodes.push(node);
    await eventually(() => expect(node.child.exitCode).toBe(1), { within: 60_000 });
    return node.output().trim();
  };
  const fixtureFiles = digest(fixture);
  beforeEach(() => cpSync(fixture, folder.path, { recursive: true }));

  it("imports once with one log line, keeps the old files, and never imports them again", async () => {
    const first = await start();
    expect(first.output().match(/Imported.*$/gm)).toEqual([
      expect.stringMatching(
        /^Imported the files of version 0\.1\.0 in \S+: 17 items, 2 notifications, 7 accounts\./,
      ),
    ]);
    expect(first.output()).not.toMatch(/The password of each is undefined/);
    await first.end();
    expect(digest(folder.path)).toMatchObject(fixtureFiles);
    for (const name of ["market", "notifications", "users"])
      expect(statSync(place(`${name}.sqlite`)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".import"))).toEqual([]);

    writeFileSync(place("items.db"), "broken\n");
    expect((await start()).output()).not.toMatch(/Imported/);
  });

  it("imports again when a former import was interrupted", async () => {
    writeFileSync(place("market.sqlite.import"), "unfinished");
    writeFileSync(place("users.sqlite.import-journal"), "unfinished");
    expect((await start()).output()).toMatch(/ 17 items/);
  });

  it("reads the new file of a compaction that was interrupted", async () => {
    renameSync(place("items.db"), place("items.db~"));
    expect((await start()).output()).toMatch(/ 17 items/);
    expect(existsSync(place("items.db"))).toBe(false);
  });

  it("prints no password for accounts that it did not make", async () => {
    rmSync(place("keys.json"));
    expect((await start()).output()).not.toMatch(/password/);
  });

  it.each(["items", "accounts"])(
    "imports none of the files when that of %s is broken",
    async (table) => {
      const file = place(`${table}.db`);
      writeFileSync(file, `${readFileSync(file, "utf8")}{"_id":`);
      const before = digest(folder.path);
      expect(await refused()).toMatch(
        /^\S+\.db cannot be imported: line \d+ is not a document in JSON: restore .*\.$/,
      );
      const { lock: _lock, ...after } = digest(folder.path);
      expect(after).toEqual(before);
    },
  );

  it.each(["items", "notifications", "accounts"])(
    "refuses the start without %s.db, and begins with no documents when it is empty",
    async (table) => {
      const file = place(`${table}.db`);
      rmSync(file);
      expect(await refused()).toBe(
        `${file} of version 0.1.0 is missing: restore it from a backup, or create an empty file of that name to begin with an empty one.`,
      );
      expect(readdirSync(folder.path).filter((name) => name.includes(".sqlite"))).toEqual([]);
      writeFileSync(file, "");
      expect((await start()).output()).toMatch(new RegExp(` 0 ${table}`));
    },
  );

  it("refuses the start when a log is there without its database", async () => {
    mkdirSync(folder.path, { recursive: true });
    writeFileSync(place("market.sqlite-wal"), "x");
    expect(await refused()).toMatch(
      /market\.sqlite cannot be used as a database: it does not exist, but its log/,
    );
    expect(existsSync(place("market.sqlite"))).toBe(false);
  });

  it("refuses the start while a process of version 0.1.0 runs there", async () => {
    const name = createHash("sha256").update(folder.path).digest("hex").slice(0, 32);
    const old = createServer().listen(`\0souk-${name}`);
    await eventually(() => expect(old.listening).toBe(true));
    expect(await refused()).toMatch(
      /^\S+ is in use by a Souk process of version 0\.1\.0\. Stop that process\.$/,
    );
    old.close();
  });

  it("imports again after the import was killed at any moment", async () => {
    const script = `
      const { fill } = await import(${JSON.stringify(join(import.meta.dirname, "../../store/former/fill.ts"))});
      console.log("go");
      for (;;) fill(${JSON.stringify({ from: place("items.db"), to: place("market.sqlite.import"), layout: layouts.items })});
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    await once(child.stdout, "data");
    await pause(100 * Math.random());
    expect(child.kill("SIGKILL")).toBe(true);
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(existsSync(place("market.sqlite"))).toBe(false);
    expect((await start()).output()).toMatch(/ 17 items/);
  });
});
