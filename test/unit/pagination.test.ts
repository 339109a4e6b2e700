import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { refusal } from "../../broker/refusal.ts";
import { paginate } from "../../store/pagination.ts";
import type { Ordering } from "../../domain/cursor.ts";
import type { Store } from "../../store/store.ts";
import { matches } from "../support/matches.ts";

interface Row {
  _id: string;
  price: number;
}

/** A store that finds by price only, and the queries that it received. */
function storeOf(rows: Row[]) {
  const asked: object[] = [];
  const find = async (
    query: { price?: unknown },
    { sort, limit }: { sort: object; limit: number },
  ) => {
    asked.push(query);
    const direction = Object.values(sort)[0] as number;
    const sorted = rows.toSorted(
      (a, b) => direction * (a.price - b.price || (a._id < b._id ? -1 : 1)),
    );
    return sorted
      .filter((row) => matches({ ...row }, query.price ? { price: query.price } : {}))
      .slice(0, limit);
  };
  return { store: { find } as unknown as Store<Row>, asked };
}

const cheapest = { field: "price", direction: 1 } as const;
const ask = async (
  store: Store<Row>,
  limit: number,
  ordering: { field: string; direction: 1 | -1 } = cheapest,
) => (await paginate(store, {}, ordering, { limit })).rows;
const many = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({ _id: `${n}`, price: 100 + n }));

describe("the first page of a list", () => {
  it("equals an unhinted first page, whatever was inserted and removed before", async () => {
    const steps = fc.array(
      fc.record({ comes: fc.boolean(), price: fc.integer({ min: 1, max: 9 }), at: fc.nat() }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(1 as const, -1 as const),
        async (all, limit, direction) => {
          const rows: Row[] = [];
          const { store } = storeOf(rows);
          for (const [n, { comes, price, at }] of all.entries()) {
            if (comes || rows.length === 0) rows.push({ _id: String(n), price });
            else rows.splice(at % rows.length, 1);
            const fresh = storeOf(rows).store;
            expect(await ask(store, limit, { field: "price", direction })).toEqual(
              await ask(fresh, limit, { field: "price", direction }),
            );
          }
        },
      ),
    );
  });

  it("is searched no further than its last end, until one of its rows is removed", async () => {
    const rows = many(50);
    const { store, asked } = storeOf(rows);

    await ask(store, 10);
    await ask(store, 10);
    rows.push({ _id: "cheap", price: 1 });
    await ask(store, 10);
    expect(asked).toEqual([{}, { price: { $lte: 110 } }, { price: { $lte: 110 } }]);

    rows.splice(0, 5);
    asked.length = 0;
    await ask(store, 10);
    await ask(store, 10);
    expect(asked).toEqual([{ price: { $lte: 109 } }, {}, { price: { $lte: 114 } }]);
  });

  it("has a hint of its own for each store, query, order and limit", async () => {
    const { store, asked } = storeOf(many(50));
    const other = storeOf(many(50));

    await ask(store, 10);
    await ask(store, 11);
    await ask(store, 10, { field: "price", direction: -1 });
    for (const isSold of [true, false]) await paginate(store, { isSold }, cheapest, { limit: 10 });
    await ask(other.store, 10);

    for (const query of [...asked, ...other.asked])
      expect(Object.keys(query)).not.toContain("price");
  });

  it.each<[string, object]>([
    ["has a bound on the ordering's field", { price: { $gte: 120 } }],
    ["searches for words", { $and: [{ words: /^lamp/ }] }],
  ])("gets no further bound when the query %s", async (_case, query) => {
    const { store, asked } = storeOf(many(50));

    for (let n = 0; n < 2; n++) await paginate(store, query, cheapest, { limit: 10 });

    expect(asked).toEqual([query, query]);
  });

  describe("that is slow to find", () => {
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const latest = { field: "soldAt", direction: -1 } as const;
    type Sale = Row & { soldAt: string };
    const sales = (): Sale[] =>
      Array.from({ length: 50 }, (_, n) => ({ _id: String(n), price: 6 * n, soldAt: ago(50 * n) }));

    /** A store whose queries fail after `after` ms: those without bounds, and those that `isSlow` matches. */
    function slowStoreOf(
      rows: Sale[],
      after: number,
      isSlow: (query: object) => boolean = () => false,
    ) {
      const asked: object[] = [];
      let clock = 0;
      const find = async (query: object) => {
        asked.push(query);
        if (Object.keys(query).length > 0 && !isSlow(query))
          return rows.filter((row) => matches({ ...row }, query)).slice(0, 11);
        clock += after;
        throw refusal("UNAVAILABLE");
      };
      const store = { find } as unknown as Store<Sale>;
      return {
        asked,
        ask: async (ordering: Ordering = latest) => {
          const watch = import.meta.jest.spyOn(performance, "now").mockImplementation(() => clock);
          return (
            await paginate(store, {}, ordering, { limit: 10 }).finally(() => watch.mockRestore())
          ).rows;
        },
      };
    }

    it("is searched among the newest rows from the second time on", async () => {
      const rows = sales();
      const { asked, ask } = slowStoreOf(rows, 2_100);

      await expect(ask()).rejects.toThrow();
      expect(await ask()).toEqual(rows.slice(0, 10));
      // Without bounds; a minute, an hour, a day; afterwards the last end.
      expect(asked).toHaveLength(4);
      expect(await ask()).toEqual(rows.slice(0, 10));
      expect(asked).toHaveLength(5);

      rows.shift();
      expect(await ask()).toEqual(rows.slice(0, 10));
      for (const query of asked.slice(1)) expect(query).not.toEqual({});
    });

    it("is searched among the cheapest or dearest rows when it is ordered by price", async () => {
      const rows = sales();
      const { asked, ask } = slowStoreOf(rows, 2_100);

      await expect(ask(cheapest)).rejects.toThrow();
      expect(await ask(cheapest)).toEqual(rows.slice(0, 10));
      expect(asked.slice(1)).toEqual([{ price: { $lte: 10 } }, { price: { $lte: 100 } }]);

      const dearest = { field: "price", direction: -1 } as const;
      await expect(ask(dearest)).rejects.toThrow();
      await ask(dearest);
      expect(asked.at(-1)).toEqual({ price: { $gte: 100 } });
    });

    it("is searched with fallback bounds when new rows make its last end slow to reach", async () => {
      const rows = sales();
      const reached = { soldAt: { $gte: rows[10]!.soldAt } };
      let isEndSlow = false;
      const { ask } = slowStoreOf(
        rows,
        2_100,
        (query) => isEndSlow && isDeepStrictEqual(query, reached),
      );
      await expect(ask()).rejects.toThrow();
      await ask();

      isEndSlow = true;
      await expect(ask()).rejects.toThrow();
      expect(await ask()).toEqual(rows.slice(0, 10));
    });

    it("is searched without bounds when the bounds found too few rows, or the failure was fast", async () => {
      const failing = slowStoreOf(sales(), 0);
      for (let n = 0; n < 3; n++) await expect(failing.ask()).rejects.toThrow();
      expect(failing.asked).toEqual([{}, {}, {}]);

      const few = slowStoreOf(sales().slice(0, 5), 2_100);
      for (let n = 0; n < 2; n++) await expect(few.ask()).rejects.toThrow();
      expect(few.asked.filter((query) => !("soldAt" in query))).toHaveLength(2);
    });
  });
});
