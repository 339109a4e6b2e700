/** Long operations of a SQLite file go on in turns. Here on the test's own thread, turn by turn. */
import { join } from "node:path";
import { temporaryFolder } from "../../bin/processes/node-process.ts";
import { cursorAt } from "../../domain/cursor.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import type { Operation } from "../../store/sqlite/operations.ts";
import { RecoveringDatabase, type Answer } from "../../store/sqlite/recovering-database.ts";
import { paginate } from "../../store/pagination.ts";
import type { Query, Store, Stored } from "../../store/store.ts";
import { things } from "../support/store-promises.ts";

const folder = temporaryFolder();
let database: RecoveringDatabase;
let file = 0;

/** 4,400 documents, in the order of their insertion. */
beforeEach(() => {
  const what = things(`turns-${file++}`);
  database = new RecoveringDatabase(join(folder.path, `${what.name}.sqlite`), layoutOf(what));
  database.open();
  const inserts = Array.from({ length: 4400 }, (_, n): [number, Operation] => [
    n,
    { type: "insert", doc: docOf(n) },
  ]);
  database.run(inserts);
});
afterEach(() => database.close());
afterAll(() => folder.remove());

const docOf = (n: number) => ({
  _id: String(n).padStart(4, "0"),
  price: 1,
  createdAt: new Date(1.8e12 + n * 1000).toISOString(),
  words: ["common", n % 2 ? "odd" : "even"],
});

/** Runs turns until nothing is unfinished. */
function finish(): Answer[] {
  const answers: Answer[] = [];
  while (database.hasUnfinished) answers.push(...database.run([]));
  return answers;
}

const search = (...prefixes: string[]): Operation => ({
  type: "find",
  query: { $and: prefixes.map((prefix): Query => ({ words: new RegExp(`^${prefix}`) })) },
  sort: ["-createdAt", "-_id"],
  limit: 20,
});
const idsIn = ([, outcome]: Answer) =>
  (JSON.parse((outcome as { result: string }).result) as { _id: string }[]).map(({ _id }) => _id);

const updateAll: Operation = {
  type: "updateMany",
  query: { price: 1 },
  update: { $inc: { price: 1 } },
};
const updateLast: Operation = {
  type: "updateOne",
  query: { _id: "4399", price: 1 },
  update: { $set: { price: 7 } },
};

it("an update of many documents leaves room for other operations between its turns", () => {
  expect(database.run([[1, updateAll]])).toEqual([]);
  expect(database.run([[2, { type: "count", query: { price: 2 } }]])).toEqual([
    [2, { result: expect.stringMatching(/^[1-9]\d*$/) as string }],
  ]);
  expect(database.hasUnfinished).toBe(true);

  expect(finish()).toEqual([[1, { result: "4400" }]]);
  expect(database.run([[3, { type: "count", query: { price: 2 } }]])).toEqual([
    [3, { result: "4400" }],
  ]);
});

it("an update of many documents does not change those that stopped matching meanwhile", () => {
  database.run([[1, updateAll]]);
  const [[, moved] = []] = database.run([[2, updateLast]]);
  expect(moved).toMatchObject({ result: expect.stringContaining('"price":7') as string });

  expect(finish()).toEqual([[1, { result: "4399" }]]);
  expect(database.run([[3, { type: "count", query: { price: 7 } }]])).toEqual([
    [3, { result: "1" }],
  ]);
});

it("a search of words that no document has together ends empty, after several turns", () => {
  expect(database.run([[1, search("odd", "even")]])).toEqual([]);
  expect(database.run([[2, updateLast]]).map(([id]) => id)).toEqual([2]);
  expect(finish()).toEqual([[1, { result: "[]" }]]);
});

/** A store over the database, and the turns that each of its searches took. */
function pagedStore() {
  const turns: number[] = [];
  const find: Store<Stored>["find"] = async (query, { sort = {}, limit, onEarlyEnd } = {}) => {
    const order = Object.entries(sort).map(([field, way]) => (way < 0 ? `-${field}` : field));
    const isBounded = onEarlyEnd !== undefined;
    let answers = database.run([[1, { type: "find", query, sort: order, limit, isBounded }]]);
    for (turns.push(1); answers.length === 0; turns.push(turns.pop()! + 1))
      answers = database.run([]);
    const [, outcome] = answers[0]!;
    const found = JSON.parse((outcome as { result: string }).result) as
      Stored[] | { rows: Stored[]; reached: unknown[] };
    if (Array.isArray(found)) return found;
    onEarlyEnd?.(found.reached);
    return found.rows;
  };
  return { store: { find } as Store<Stored>, turns };
}

it.each([
  ["two words", ["odd", "even"]],
  ["eight words", ["common", "odd", "even", "comm", "commo", "eve", "od", "com"]],
])(
  "a page of a search for %s that many documents have reads at most 3,000 documents, and the next page goes on",
  async (_count, words) => {
    const last = { ...docOf(-1), _id: "last", words: ["common", "odd", "even"] };
    database.run([[1, { type: "insert", doc: last }]]);
    const { store, turns } = pagedStore();
    const query = { $and: words.map((word) => ({ words: new RegExp(`^${word}`) })) };
    const newest = { field: "createdAt", direction: -1 } as const;

    const first = await paginate(store, query, newest, {});
    expect(first).toEqual({ rows: [], nextCursor: expect.any(String) as string });
    expect(turns).toEqual([3]);

    const second = await paginate(store, query, newest, { cursor: first.nextCursor! });
    expect(second).toEqual({ rows: [last], nextCursor: null });
    expect(Math.max(...turns)).toBeLessThanOrEqual(3);
  },
);

it("a page that ends early within one price leaves documents of other prices to the next page", async () => {
  const dear = { ...docOf(-1), _id: "dear", price: 2, words: ["odd", "even"] };
  database.run([[1, { type: "insert", doc: dear }]]);
  const { store } = pagedStore();
  const query = { $and: ["odd", "even"].map((word) => ({ words: new RegExp(`^${word}`) })) };
  const cheapest = { field: "price", direction: 1 } as const;

  const cursor = cursorAt([1, "0000"], cheapest);
  const first = await paginate(store, query, cheapest, { cursor });
  expect(first).toEqual({ rows: [], nextCursor: cursorAt([1, "3000"], cheapest) });
  const second = await paginate(store, query, cheapest, { cursor: first.nextCursor! });
  expect(second).toEqual({ rows: [dear], nextCursor: null });
});

it("a search of words that most documents have ends in its first turn", () => {
  const [answer] = database.run([[1, search("comm")]]);
  expect(idsIn(answer!)).toHaveLength(20);
  expect(idsIn(answer!)[0]).toBe("4399");
  expect(database.hasUnfinished).toBe(false);
});

it("of several long searches one has a turn, so that other operations wait for one", () => {
  const searches = [1, 2, 3].map((id): [number, Operation] => [id, search("odd", "even")]);
  database.run(searches);
  const ended: number[] = [];
  let turns = 0;
  for (; database.hasUnfinished; turns++) ended.push(...database.run([]).map(([id]) => id));
  expect(ended.toSorted()).toEqual([1, 2, 3]);
  // Each of the three needs more than one turn of its own.
  expect(turns).toBeGreaterThanOrEqual(6);
});

it("a long search also finds documents that lack the field of its order", () => {
  const lacking: Operation = { type: "insert", doc: { _id: "none", words: ["odd", "even"] } };
  database.run([[1, lacking]]);
  database.run([[2, search("odd", "even")]]);
  const [answer] = finish();
  expect(idsIn(answer!)).toEqual(["none"]);
});

it("a search that takes longer than 3 s is given up, because nobody waits for it", () => {
  database.run([[1, search("odd", "even")]]);
  const { now } = performance;
  performance.now = () => now.call(performance) + 3_100;
  try {
    expect(finish()).toEqual([[1, { failure: { type: "late" } }]]);
  } finally {
    performance.now = now;
  }
});
