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

  it("has pages of at most 512 KB as JSON, and of at least one row", () => {
    const row = (id: number, text: string) => ({ _id: String(id), price: 1, text });
    const pageOf = (rows: { _id: string; price: number }[]) => toPage(rows, 100, cheapest);
    // Two bytes of UTF-8 each, and six bytes of JSON.
    for (const [sign, bytes] of [
      ["é", 2],
      ["\u0001", 6],
    ] as const) {
      const long = sign.repeat(20 * 1024);
      const rows = Array.from({ length: 40 }, (_, n) => row(n, long));

      const { rows: shown, nextCursor } = pageOf(rows);

      expect(shown).toHaveLength(Math.floor(504 / (bytes * 20 + 0.1)));
      expect(nextCursor).toBe(cursorAfter(shown.at(-1)!, cheapest));
      expect(Buffer.byteLength(JSON.stringify({ shown, nextCursor }))).toBeLessThan(512 * 1024);
    }
    const huge = [row(1, "x".repeat(600 * 1024)), row(2, "")];
    expect(pageOf(huge)).toEqual({ rows: [huge[0]], nextCursor: cursorAfter(huge[0]!, cheapest) });
    expect(pageOf(huge.slice(0, 1))).toEqual({ rows: [huge[0]], nextCursor: null });
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
