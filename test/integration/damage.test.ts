/** Files of an embedded market that are damaged or not its own: what is answered is right, or refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "../../store/sqlite/database.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import type { Operation, Outcome } from "../../store/sqlite/operations.ts";
import { seeded } from "../chaos/random.ts";
import { things, type Thing } from "../support/store-promises.ts";

const dir = mkdtempSync(join(tmpdir(), "souk-damage-"));
const file = join(dir, "things.sqlite");
const layout = layoutOf(things("things"));
afterAll(() => rmSync(dir, { recursive: true }));

const pageSize = 4096;
/** The first byte of a page in SQLite's format. The others hold what did not fit on these. */
const kinds = { innerIndex: 2, innerTable: 5, leafIndex: 10, leafTable: 13 };
const pagesOf = (content: Buffer, ...wanted: number[]) =>
  Array.from({ length: content.length / pageSize }, (_, n) => n * pageSize).filter(
    (at) => at > 0 && wanted.includes(content[at]!),
  );

const isSold = (n: number) => n % 2 === 1;
const thing = (n: number, name: string): Thing => ({
  _id: `thing-${n}`,
  name,
  email: `mail-${n}@souk.test`,
  owner: `owner-${n % 7}`,
  number: n,
  price: n % 50,
  isSold: isSold(n),
  createdAt: new Date(1.8e12 + n * 1000).toISOString(),
  words: ["lamp", `word${n % 9}`],
  ...(isSold(n) && { buyerId: "first" }),
});

/** Makes a file of these documents the only one. */
function filled(docs: Thing[]): Buffer {
  place("");
  const database = new Database(file, layout);
  database.open();
  database.run(docs.map((doc) => ({ type: "insert", doc })));
  database.close();
  return readFileSync(file);
}

function place(content: Buffer | string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  writeFileSync(file, content);
}

/** Opens the file. Returns why it is refused. */
function refusalOf(database: Database): string | undefined {
  try {
    database.open();
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

/** The results of operations; undefined for those that are refused. */
function results(database: Database, operations: Operation[]): unknown[] {
  try {
    if (!database.isOpen) database.open();
    return (database.run(operations) as Outcome[]).map((outcome) =>
      "result" in outcome ? (JSON.parse(outcome.result) as unknown) : undefined,
    );
  } catch {
    database.close();
    return [];
  }
}

describe("a file is refused in one sentence and stays as it is when it", () => {
  const docs = Array.from({ length: 120 }, (_, n) => thing(n, `thing ${n} `.repeat(20)));
  const original = filled(docs);
  const changed = (change: (content: Buffer) => void): Buffer => {
    const content = Buffer.from(original);
    change(content);
    return content;
  };
  const foreign = (): Buffer => {
    const other = join(dir, "other.sqlite");
    const db = new DatabaseSync(other);
    db.exec("CREATE TABLE t (x); PRAGMA application_id = 7");
    db.close();
    return readFileSync(other);
  };
  const [leaf] = pagesOf(original, kinds.leafTable);
  const email = pagesOf(original, kinds.leafIndex)
    .map((at) => original.subarray(0, at + pageSize).indexOf("mail-7@souk.test", at))
    .find((at) => at > 0)!;

  it.each<[string, Buffer, RegExp]>([
    ["belongs to another program", foreign(), /^it belongs to another program$/],
    [
      "was written by a later version",
      changed((content) => content.writeInt32BE(99, 60)),
      /^it was written by a later version of Souk$/,
    ],
    [
      "is not a file of SQLite",
      Buffer.from("This is no database.".repeat(500)),
      /^file is not a database$/,
    ],
    ["has lost its end", original.subarray(0, 8 * pageSize), /malformed$/],
    [
      "has a page of zeros",
      changed((content) => content.fill(0, leaf, leaf! + pageSize)),
      /^it is damaged: .+$/,
    ],
    [
      "has an index in which one character is wrong",
      changed((content) => content.write("n", email)),
      /^it is damaged: .+$/,
    ],
  ])("%s", (_what, content, reason) => {
    place(content);
    const refusal = refusalOf(new Database(file, layout));
    expect(refusal).toMatch(reason);
    expect(refusal).not.toContain("\n");
    expect(readFileSync(file).equals(content)).toBe(true);
  });

  it("has wrong bits anywhere; otherwise every answer is right", () => {
    const random = seeded(20261127);
    let refused = 0;
    for (let trial = 0; trial < 80; trial++) {
      place(
        changed((content) => {
          const at = Math.floor(random() * content.length);
          content[at]! ^= 1 << Math.floor(random() * 8);
        }),
      );
      const database = new Database(file, layout);
      if (refusalOf(database) !== undefined) refused++;
      else {
        const found = results(
          database,
          docs.map(({ _id }) => ({ type: "find", query: { _id } })),
        );
        found.forEach((one, n) => expect([undefined, [docs[n]]]).toContainEqual(one));
      }
      database.close();
    }
    expect(refused).toBeGreaterThan(10);
  });
});

describe("in a file that is too large to be checked at its start, whatever is wrong on its pages,", () => {
  const docs = Array.from({ length: 1800 }, (_, n) => thing(n, `thing ${n} `.repeat(1900)));
  const original = filled(docs);
  const pages = pagesOf(original, ...Object.values(kinds));

  it("no other document is returned, and nothing is sold a second time", () => {
    const random = seeded(13);
    const pick = <T>(list: T[]) => list[Math.floor(random() * list.length)]!;
    let refused = 0;
    for (let trial = 0; trial < 12; trial++) {
      const content = Buffer.from(original);
      for (let flip = 0; flip < 16; flip++)
        content[pick(pages) + Math.floor(random() * pageSize)]! ^= 1 << Math.floor(random() * 8);
      place(content);
      const database = new Database(file, layout);
      const asked = Array.from({ length: 200 }, () => pick(docs));
      const found = results(
        database,
        asked.map(({ _id }) => ({ type: "find", query: { _id }, limit: 1 })),
      ) as (Thing[] | undefined)[];
      found.forEach((one, n) => expect([asked[n], undefined]).toContainEqual(one?.[0]));
      const byMail = results(
        database,
        asked.map(({ email }) => ({ type: "find", query: { email }, limit: 1 })),
      ) as (Thing[] | undefined)[];
      byMail.forEach((one, n) => expect([asked[n], undefined]).toContainEqual(one?.[0]));
      const sold = results(
        database,
        asked.map(({ _id }) => ({
          type: "updateOne",
          query: { _id, isSold: false },
          update: { $set: { isSold: true, buyerId: "second" } },
        })),
      ) as (Thing | null | undefined)[];
      sold.forEach((one, n) => {
        if (one === undefined) refused++;
        if (one) expect(one).toEqual({ ...asked[n], isSold: true, buyerId: "second" });
        if (one) expect(asked[n]!.isSold).toBe(false);
      });
      database.close();
    }
    expect(refused).toBeGreaterThan(0);
  });

  it.each(["_id", "email", "createdAt"])(
    "an index entry of %s that leads to another row is refused",
    (field) => {
      const content = Buffer.from(original);
      const value = docs[20]![field as "_id"];
      // An index entry ends with its row's number. The rows are numbered from 1.
      for (const page of pagesOf(content, kinds.leafIndex)) {
        const key = field === "createdAt" ? `${value}${docs[20]!._id}` : value;
        const at = content.subarray(0, page + pageSize).indexOf(`${key}\x15`, page);
        if (at > 0) content[at + key.length] = 22;
      }
      expect(content.equals(original)).toBe(false);
      place(content);
      const database = new Database(file, layout);
      const query = { [field]: value };
      const sort = ["-createdAt", "-_id"];
      const answers = results(database, [
        { type: "find", query, limit: 1 },
        { type: "updateOne", query, update: { $set: { name: "x" } } },
        { type: "removeOne", query },
        ...(field === "email" ? [] : [{ type: "find", query: {}, sort } as const]),
      ]);
      expect(answers.filter((one) => one !== undefined)).toEqual([]);
      database.close();
    },
  );
});
