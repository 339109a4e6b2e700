import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Layout } from "../../store/sqlite/layout.ts";
import { Translator } from "../../store/sqlite/sql.ts";
import {
  callEverything,
  isLookup,
  isRarelyFalse,
  isSearch,
  owners,
  type Owner,
  type Recorded,
} from "../support/all-queries.ts";
import { startBroker } from "../support/broker.ts";
import { faultsOf } from "../support/index-bounds.ts";

const recorded = Object.fromEntries(owners.map((name) => [name, new Map<string, Recorded>()]));
const broker = await startBroker();
const files = process.env.DATA_DIR!;

beforeAll(async () => {
  await callEverything(broker as never, async (name, shape, asked) => {
    recorded[name]!.set(shape, asked);
  });
});
afterAll(() => broker.stop());

const tables: Record<Owner, string> = {
  market: "items",
  notifications: "notifications",
  users: "accounts",
};

/** What the translation of a query needs of the layout, read from the file. */
function layoutIn(db: DatabaseSync, table: string): Layout {
  const columns = db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[];
  const fields = columns.map(({ name }) => name).filter((n) => !["_id", "doc", "crc"].includes(n));
  return {
    table,
    columns: fields,
    elements: ["words"],
    arrays: ["words"],
    booleans: [],
    indexes: [],
  };
}

/** The steps of SQLite's plan. */
function planOf(db: DatabaseSync, table: string, { query, sort = [], limit }: Recorded): string[] {
  const translator = new Translator(layoutIn(db, table));
  const { text, params } = translator.where(query);
  const order = sort.length > 0 ? ` ORDER BY ${translator.order(sort)}` : "";
  const bound = limit === undefined ? "" : ` LIMIT ${limit}`;
  const statement = `EXPLAIN QUERY PLAN SELECT doc, crc FROM ${table} WHERE ${text}${order}${bound}`;
  return (db.prepare(statement).all(...params) as { detail: string }[]).map(({ detail }) => detail);
}

/** Why a plan reads more documents than it returns. Souk's indexes are named after their table and fields. */
function faultsIn(steps: string[], table: string, asked: Recorded): string[] {
  const sorts = steps.filter((step) => step.includes("TEMP B-TREE"));
  if (isLookup(asked)) return sorts;
  const index = new RegExp(`USING INDEX ${table} ([^ ]+)`).exec(steps.join());
  return [...sorts, ...(index ? faultsOf(asked, index[1]!.split(",")) : ["no index"])];
}

/** PLANS=1 in the environment prints every query and its plan. */
it.each(owners)(
  "every SQLite query by %s, but a search, comes from an index that bounds it, in its order",
  (name) => {
    const db = new DatabaseSync(join(files, `${name}.sqlite`), { readOnly: true });
    const faults: string[] = [];
    for (const [shape, asked] of recorded[name]!) {
      const steps = planOf(db, tables[name], asked);
      const plan = `${shape}: ${steps.join(" < ")}`;
      if (process.env.PLANS) process.stdout.write(`${plan}\n`);
      if (isSearch(shape)) continue;
      const found = faultsIn(steps, tables[name], asked);
      if (found.some((fault) => !isRarelyFalse(shape, fault))) faults.push(`${plan}: ${found}`);
    }
    db.close();

    expect(recorded[name]!.size).toBeGreaterThan(4);
    expect(faults).toEqual([]);
  },
);
