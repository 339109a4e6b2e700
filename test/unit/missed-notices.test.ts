import type { NoticeDocument } from "../../domain/notice.ts";
import type { Store } from "../../store/store.ts";
import { MissedNotices } from "../../services/notifications/missed-notices.ts";
import { matches } from "../support/matches.ts";

/** A store that finds and counts by time; and how many it was asked for. */
function storeOf(rows: NoticeDocument[]) {
  const read = { count: 0 };
  const found = (query: object) =>
    rows
      .filter((row) => matches({ ...row }, query))
      .sort((a, b) => (a.createdAt + a._id < b.createdAt + b._id ? -1 : 1));
  const store = {
    count: async (query: object) => found(query).length,
    find: async (query: object, { limit }: { limit: number }) => {
      const page = found(query).slice(0, limit);
      read.count += page.length;
      return page;
    },
  };
  return { store: store as unknown as Store<NoticeDocument>, read };
}

const stored = (n: number, ago: number) =>
  ({ _id: `u.${n}`, createdAt: new Date(Date.now() - ago).toISOString() }) as NoticeDocument;
async function foundBy(missed: MissedNotices): Promise<string[]> {
  const keys: string[] = [];
  await missed.scan(({ _id }) => keys.push(_id));
  return keys;
}

describe("a scan for missed notices", () => {
  it("finds each missed notice once, and reads nothing where none was missed", async () => {
    const rows = Array.from({ length: 3_000 }, (_, n) => stored(n, 30_000 + n));
    const { store, read } = storeOf(rows);
    const missed = new MissedNotices(store);
    for (const row of rows) missed.markSeen(row);

    expect(await foundBy(missed)).toEqual([]);
    expect(read.count).toBe(0);

    rows.push(stored(3_000, 25_000), stored(3_001, 0));
    expect(await foundBy(missed)).toEqual(["u.3000", "u.3001"]);
    read.count = 0;
    expect(await foundBy(missed)).toEqual([]);
    expect(read.count).toBe(0);
  });

  it("finds more than one page of them, also within one instant", async () => {
    const rows = Array.from({ length: 1_700 }, (_, n) => stored(n, 10_000));
    const { store } = storeOf(rows);
    const missed = new MissedNotices(store);
    missed.markSeen(rows[3]!);

    expect((await foundBy(missed)).sort()).toEqual(
      rows
        .filter((_, n) => n !== 3)
        .map(({ _id }) => _id)
        .sort(),
    );
  });

  it("finds notices of clocks that differ by less than a minute", async () => {
    const { store } = storeOf([stored(1, 59_000), stored(2, -55_000)]);

    expect(await foundBy(new MissedNotices(store))).toEqual(["u.1", "u.2"]);
  });

  it.each([3, -3])(
    "finds what it missed while the clock was %d h off, and afterwards",
    async (hours) => {
      const off = hours * 3_600_000;
      const rows: NoticeDocument[] = [stored(0, 0)];
      const { store, read } = storeOf(rows);
      let now = Date.now();
      const missed = new MissedNotices(store, () => now);
      await foundBy(missed);
      now += off;
      rows.push(stored(1, -off));
      expect(await foundBy(missed)).toContain("u.1");

      now -= off;
      rows.push(stored(2, 0));
      expect(await foundBy(missed)).toContain("u.2");

      // What was found is not read again.
      read.count = 0;
      expect(await foundBy(missed)).toEqual([]);
    },
  );

  it("counts a long time as one window, and reads it if the count differs", async () => {
    const rows = Array.from({ length: 50 }, (_, n) => stored(n, n * 200_000));
    const { store } = storeOf(rows);
    const asked: object[] = [];
    const count = store.count;
    store.count = (query) => (asked.push(query), count(query));
    let now = Date.now() - 3 * 3_600_000;
    const missed = new MissedNotices(store, () => now);
    for (const row of rows.slice(1)) missed.markSeen(row);
    now = Date.now();
    rows.push(stored(50, 3_600_000));

    expect((await foundBy(missed)).sort()).toEqual(["u.0", "u.50"]);
    expect(asked.length).toBeLessThan(70);
  });

  it("bounds the keys in memory", async () => {
    const rows: NoticeDocument[] = [];
    const { store, read } = storeOf(rows);
    const missed = new MissedNotices(store);

    for (let n = 0; n <= 100_000; n++) missed.markSeen(stored(n, n < 10 ? 20_000 : 10_000));
    // The first were forgotten.
    rows.push(stored(0, 20_000));

    expect(await foundBy(missed)).toContain("u.0");
    expect(read.count).toBeGreaterThan(0);
  });

  it("finds a missed notice while the node receives another", async () => {
    const rows = [stored(1, 10_000)];
    const { store } = storeOf(rows);
    const missed = new MissedNotices(store);
    const count = store.count;
    store.count = async (query) => {
      const before = await count(query);
      if (before > 0) missed.markSeen(stored(2, 10_000));
      return before;
    };

    expect(await foundBy(missed)).toEqual(["u.1"]);
  });

  it("continues where a failed scan ended", async () => {
    const rows = [stored(1, 59_000)];
    const { store } = storeOf(rows);
    const missed = new MissedNotices(store);
    const count = store.count;
    store.count = async () => {
      throw new Error("unavailable");
    };
    await expect(foundBy(missed)).rejects.toThrow("unavailable");
    store.count = count;

    expect(await foundBy(missed)).toEqual(["u.1"]);
  });
});
