import { paginate } from "../../store/pagination.ts";
import type { Store } from "../../store/store.ts";
import { matches } from "../support/matches.ts";

interface Row {
  _id: string;
  price: number;
  isSold: boolean;
}
type Options = { sort: object; limit: number };

/** A store in memory, and the queries that it received. */
function storeOf(rows: Row[]) {
  const asked: (object & Options)[] = [];
  const find = async (query: object, { sort, limit }: Options) => {
    const options = { sort, limit };
    asked.push({ ...query, ...options });
    const direction = Object.values(options.sort)[0] as number;
    return rows
      .toSorted((a, b) => direction * (a.price - b.price || (a._id < b._id ? -1 : 1)))
      .filter((row) => matches(row, query))
      .slice(0, options.limit);
  };
  return { store: { find } as unknown as Store<Row>, asked };
}

const cheapest = { field: "price", direction: 1 } as const;
const dearest = { field: "price", direction: -1 } as const;
/** Five rows of each price. */
const rows: Row[] = Array.from({ length: 50 }, (_, n) => ({
  _id: String(n).padStart(2, "0"),
  price: 100 + Math.floor(n / 5),
  isSold: false,
}));

describe("a page of a list", () => {
  it("is one query at the start, and two ranges of the index after a cursor", async () => {
    const { store, asked } = storeOf(rows);
    const { nextCursor } = await paginate(store, { isSold: false }, cheapest, { limit: 3 });
    await paginate(store, { isSold: false }, cheapest, { limit: 3, cursor: nextCursor! });

    const options = { sort: { price: 1, _id: 1 }, limit: 4 };
    expect(asked).toEqual([
      { isSold: false, ...options },
      { isSold: false, price: 100, _id: { $gt: "02" }, ...options },
      { isSold: false, price: { $gt: 100 }, ...options },
    ]);
  });

  it("ends early at 512 KB, and reads little more than that", async () => {
    const long = rows.flatMap((row) => [row, { ...row, _id: `${row._id}b` }]);
    const { store, asked } = storeOf(long.map((row) => ({ ...row, text: "é".repeat(20_000) })));
    const seen: Row[] = [];
    let largest = 0;
    for (let cursor: string | undefined, isMore = true; isMore;) {
      const page = await paginate(store, {}, cheapest, { cursor, limit: 100 });
      seen.push(...page.rows);
      largest = Math.max(largest, Buffer.byteLength(JSON.stringify(page)));
      cursor = page.nextCursor ?? undefined;
      isMore = page.nextCursor !== null;
    }

    expect(seen.map(({ _id }) => _id)).toEqual(long.map(({ _id }) => _id));
    expect(largest).toBeLessThanOrEqual(512 * 1024);
    expect(largest).toBeGreaterThan(450 * 1024);
    expect(Math.max(...asked.map(({ limit }) => limit))).toBe(34);
  });

  it("of a hundred short documents is full", async () => {
    const many = Array.from({ length: 150 }, (_, n) => ({
      _id: String(n).padStart(3, "0"),
      price: 1,
      isSold: false,
    }));

    const first = await paginate(storeOf(many).store, {}, cheapest, { limit: 100 });
    const second = await paginate(storeOf(many).store, {}, cheapest, {
      limit: 100,
      cursor: first.nextCursor!,
    });

    expect([...first.rows, ...second.rows]).toEqual(many);
    expect([first.rows.length, second.nextCursor]).toEqual([100, null]);
  });

  it.each([
    ["cheapest", cheapest, { price: { $gt: 101, $lte: 104 } }, 15],
    ["cheapest", cheapest, { price: { $gte: 101, $lt: 105 } }, 20],
    ["dearest", dearest, { price: { $gt: 101, $lte: 104 } }, 15],
    ["dearest", dearest, { price: { $gte: 101, $lt: 105 } }, 20],
  ] as const)("keeps the query's own bounds, %s first", async (_order, ordering, query, count) => {
    const { store, asked } = storeOf(rows);
    const seen: Row[] = [];
    for (let cursor: string | undefined, isMore = true; isMore;) {
      const page = await paginate(store, query, ordering, { cursor, limit: 4 });
      seen.push(...page.rows);
      cursor = page.nextCursor ?? undefined;
      isMore = page.nextCursor !== null;
    }

    const all = rows.filter((row) => matches(row, query));
    expect(all).toHaveLength(count);
    expect(seen).toEqual(ordering === cheapest ? all : all.toReversed());
    // A database could seek to either of two bounds on one side, and read the rows between them in vain.
    for (const { price } of asked as { price?: unknown }[])
      if (typeof price === "object") expect(Object.keys(price!)).toHaveLength(2);
  });
});
