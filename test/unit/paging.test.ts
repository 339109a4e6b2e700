import fc from "fast-check";
import { refusal } from "../../broker/errors.ts";
import { paged } from "../../mixins/paging.ts";
import type { Store } from "../../mixins/store.ts";
import { matches } from "../support/matches.ts";

interface Row {
  _id: string;
  price: number;
}

/** A store that only finds, by price, and whatever the words; and all that it was asked. */
function storeOf(rows: Row[]) {
  const asked: object[] = [];
  const find = async ({ $and, ...query }: { $and?: unknown }, { sort, limit }: { sort: object; limit: number }) => {
    asked.push({ ...query, ...($and ? { $and } : {}) });
    const direction = Object.values(sort)[0] as number;
    const sorted = rows.toSorted((a, b) => direction * (a.price - b.price || (a._id < b._id ? -1 : 1)));
    return sorted.filter((row) => matches({ ...row }, query)).slice(0, limit);
  };
  return { store: { find } as unknown as Store<Row>, asked };
}

const cheapest = { field: "price", direction: 1 } as const;
const ask = async (store: Store<Row>, limit: number, ordering: { field: string; direction: 1 | -1 } = cheapest) =>
  (await paged(store, {}, ordering, { limit })).rows;
const many = (count: number): Row[] => Array.from({ length: count }, (_, n) => ({ _id: `${n}`, price: 100 + n }));

describe("the first page of a list", () => {
  it("is the same as of a list that was never asked for, whatever came and went since", async () => {
    const steps = fc.array(fc.record({ comes: fc.boolean(), price: fc.integer({ min: 1, max: 9 }), at: fc.nat() }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), fc.constantFrom(1 as const, -1 as const), async (all, limit, direction) => {
        const rows: Row[] = [];
        const { store } = storeOf(rows);
        for (const [n, { comes, price, at }] of all.entries()) {
          if (comes || rows.length === 0) rows.push({ _id: String(n), price });
          else rows.splice(at % rows.length, 1);
          const fresh = storeOf(rows).store;
          expect(await ask(store, limit, { field: "price", direction })).toEqual(await ask(fresh, limit, { field: "price", direction }));
        }
      }),
    );
  });

  it("is asked for no further than where it ended, until something of it goes", async () => {
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

  it("is remembered for each store, each question, each order and each limit alone", async () => {
    const { store, asked } = storeOf(many(50));
    const other = storeOf(many(50));

    await ask(store, 10);
    await ask(store, 11);
    await ask(store, 10, { field: "price", direction: -1 });
    for (const search of ["a", "b"]) await paged(store, { $and: [{ words: new RegExp(search) }] }, cheapest, { limit: 10 });
    await ask(other.store, 10);

    for (const query of [...asked, ...other.asked]) expect(Object.keys(query)).not.toContain("price");
  });

  it("is asked for as it was when the question itself bounds what it is ordered by", async () => {
    const { store, asked } = storeOf(many(50));
    const dear = { price: { $gte: 120 } };

    for (let n = 0; n < 2; n++) await paged(store, dear, cheapest, { limit: 10 });

    expect(asked).toEqual([dear, dear]);
  });

  it("by time, which takes too long to read as a whole, is looked for among what is newest", async () => {
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const rows = Array.from({ length: 50 }, (_, n) => ({ _id: String(n), soldAt: ago(50 * n) }));
    const asked: object[] = [];
    const find = async (query: object) => {
      asked.push(query);
      if (!("soldAt" in query)) throw refusal("UNAVAILABLE");
      return rows.filter((row) => matches(row, query)).slice(0, 11);
    };
    const store = { find } as unknown as Store<(typeof rows)[number]>;
    const latest = { field: "soldAt", direction: -1 } as const;

    await expect(paged(store, {}, latest, { limit: 10 })).rejects.toThrow();
    const shown = (await paged(store, {}, latest, { limit: 10 })).rows;

    expect(shown).toEqual(rows.slice(0, 10));
    // All of it; a minute, an hour, a day; from then on at once.
    expect(asked).toHaveLength(4);
    expect((await paged(store, {}, latest, { limit: 10 })).rows).toEqual(shown);
    expect(asked).toHaveLength(5);
    // Without so many, or in another order, there is nothing but the whole.
    for (const ordering of [latest, { field: "price", direction: -1 } as const]) {
      rows.splice(5);
      for (let n = 0; n < 2; n++) await expect(paged(store, {}, ordering, { limit: 10 })).rejects.toThrow();
    }
  });
});
