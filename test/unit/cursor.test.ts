import fc from "fast-check";
import { cursorAfter, rangesAfter, toPage, sortOf } from "../../domain/cursor.ts";
import { matches } from "../support/matches.ts";

const newest = { field: "createdAt", direction: -1 } as const;
const cheapest = { field: "price", direction: 1 } as const;

describe("a paginated list", () => {
  it("shows each row once and skips none in either direction, also among equal values", () => {
    const rows = fc.uniqueArray(
      fc.record({ _id: fc.uuid(), price: fc.integer({ min: 1, max: 4 }) }),
      { selector: (row) => row._id },
    );
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(1 as const, -1 as const),
        (all, limit, direction) => {
          const ordering = { field: "price", direction };
          const sorted = all.toSorted(
            (a, b) => direction * (a.price - b.price || (a._id < b._id ? -1 : 1)),
          );
          const seen: typeof all = [];
          let cursor: string | undefined;
          do {
            const found = rangesAfter(cursor, ordering, "number")!.flatMap((range) =>
              sorted.filter((row) => matches(row, range)).slice(0, limit + 1),
            );
            const { rows: shown, nextCursor } = toPage(found, limit, ordering);
            seen.push(...shown);
            cursor = nextCursor ?? undefined;
          } while (cursor);
          expect(seen).toEqual(sorted);
        },
      ),
    );
  });

  it("sorts by the field, then by id", () => {
    expect(sortOf(newest)).toEqual({ createdAt: -1, _id: -1 });
  });

  it("refuses a cursor of another list, and a forged one", () => {
    const row = { _id: "1", createdAt: "2026-01-01T00:00:00.000Z" };
    const cursor = cursorAfter(row, newest);
    expect(rangesAfter(cursor, newest)).not.toBeNull();
    expect(rangesAfter(cursor, cheapest, "number")).toBeNull();
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const value of [
      "x",
      forged({}),
      forged(null),
      forged(["createdAt-1", { $gt: "" }, "1"]),
      forged(["createdAt-1", "a", { $ne: 1 }]),
    ])
      expect(rangesAfter(value, newest)).toBeNull();
    const huge = Buffer.from('["price1",1e999,"1"]').toString("base64url");
    for (const value of [huge, forged(["price1", 1.5, "1"])])
      expect(rangesAfter(value, cheapest, "number")).toBeNull();
  });
});
