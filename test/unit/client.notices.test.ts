import fc from "fast-check";
import { inboxMerge } from "../../client/inbox/inbox-merge.ts";
import type { Notification } from "../../contracts/notifications.ts";

const notice = (n: number): Notification => ({
  id: `n${String(n).padStart(3, "0")}`,
  type: "sale",
  text: `Item #${n} was sold!`,
  data: {},
  createdAt: new Date(n * 1000).toISOString(),
});
const inboxOf = (numbers: number[], unread = numbers.length, nextCursor: string | null = null) => ({
  notifications: numbers.map(notice).reverse(),
  unread,
  nextCursor,
});

function client() {
  const told: string[] = [];
  const merged = inboxMerge(({ id }) => told.push(id));
  const shown = () => merged.notices().notifications.map(({ id }) => Number(id.slice(1)));
  return { merged, told, shown };
}

describe("what an inbox, pushes and reads add up to", () => {
  it("has a push that overtakes the inbox, which does not have it yet", () => {
    const { merged, shown, told } = client();
    const mark = merged.mark();
    merged.push(notice(3));

    merged.merge(inboxOf([1, 2]), mark);

    expect(shown()).toEqual([3, 2, 1]);
    expect(merged.notices().unread).toBe(3);
    expect(told).toEqual(["n003"]);
  });

  it("has a push that is in the inbox too, once", () => {
    const { merged, shown, told } = client();
    const mark = merged.mark();
    merged.push(notice(2));

    merged.merge(inboxOf([1, 2]), mark);
    merged.push(notice(2));

    expect(shown()).toEqual([2, 1]);
    expect(merged.notices().unread).toBe(2);
    expect(told).toEqual(["n002"]);
  });

  it("does not bring back what was read while the inbox was on its way", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2]), merged.mark());
    const mark = merged.mark();
    merged.clear({ ids: ["n001"] }, 1);

    merged.merge(inboxOf([1, 2]), mark);

    expect(shown()).toEqual([2]);
    expect(merged.notices().unread).toBe(1);
    expect(merged.needsRefetch()).toBe(true);
  });

  it("does not have what was read while the client was away", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2, 3]), merged.mark());

    merged.merge(inboxOf([3]), merged.mark());

    expect(shown()).toEqual([3]);
  });

  it("is no news in the first inbox, and is news in a later one, the oldest first", () => {
    const { merged, told } = client();
    merged.merge(inboxOf([1, 2]), merged.mark());
    expect(told).toEqual([]);

    merged.merge(inboxOf([1, 2, 3, 4]), merged.mark());

    expect(told).toEqual(["n003", "n004"]);
  });

  it("keeps older ones that were loaded when nothing can have been missed, and drops them when something can", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([3, 4], 4, "c3"), merged.mark());
    merged.append(inboxOf([1, 2], 4), merged.mark());
    expect(shown()).toEqual([4, 3, 2, 1]);

    merged.merge(inboxOf([3, 4], 4, "c3"), merged.mark(), true);
    expect([shown(), merged.notices().nextCursor]).toEqual([[4, 3, 2, 1], null]);
    merged.merge(inboxOf([3, 4], 4, "c3"), merged.mark());
    expect([shown(), merged.notices().nextCursor]).toEqual([[4, 3], "c3"]);
  });

  it("counts and shows a push among those that are not loaded when it is there, and not twice", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([5, 6], 5_000, "c5"), merged.mark());

    merged.push(notice(2));
    merged.push(notice(7));

    expect(shown()).toEqual([7, 6, 5]);
    expect(merged.notices().unread).toBe(5_001);
  });

  it("ends at `until` when all up to it are read, also the second time it is said", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2], 500, "c1"), merged.mark());
    merged.push(notice(3));

    for (const _ of "12") merged.clear({ all: true, until: "n002" }, 1);

    expect([shown(), merged.notices()]).toEqual([
      [3],
      { notifications: [notice(3)], unread: 1, nextCursor: null },
    ]);
  });

  it("is in doubt when it cannot know where a reading ended, and no more once it has been read again", () => {
    const { merged } = client();
    merged.merge(inboxOf([2, 3]), merged.mark());
    expect(merged.needsRefetch()).toBe(false);

    merged.clear({ all: true, until: "n001" }, 2);
    expect(merged.needsRefetch()).toBe(true);
    merged.merge(inboxOf([2, 3]), merged.mark());
    expect(merged.needsRefetch()).toBe(false);
  });

  it("is in doubt when the count says something else than the list", () => {
    const { merged } = client();
    merged.merge(inboxOf([2, 3], 3), merged.mark());
    expect(merged.needsRefetch()).toBe(true);
  });

  it.each([
    ["some", { ids: ["n009"] }, 1],
    ["all", { all: true }, 0],
  ] as const)(
    "is in doubt when a push and a read of %s come so close together that either may have been first",
    (_, read, left) => {
      const { merged } = client();
      merged.merge(inboxOf([], 0), merged.mark());
      merged.push(notice(1));
      expect(merged.needsRefetch()).toBe(false);

      merged.clear({ ids: [], ...read } as never, left);
      expect(merged.needsRefetch()).toBe(true);
    },
  );

  it("has a push that is older than what was read up to, until it is read again: its server's clock may be slow, or it came late", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([4, 5, 6]), merged.mark());
    merged.clear({ all: true, until: "n005" }, 1);
    merged.push(notice(3));
    expect([shown(), merged.needsRefetch()]).toEqual([[6, 3], true]);

    merged.merge(inboxOf([7, 8, 9], 4, "c7"), merged.mark(), true);

    expect(shown()).toEqual([9, 8, 7]);
    expect(merged.needsRefetch()).toBe(false);
  });
});

/** A server with an inbox whose pages hold three, and a line to it on which everything may be late. */
class Server {
  readonly stored: number[] = [];
  readonly read = new Set<number>();
  readonly line: (() => void)[] = [];
  next = 1;

  get unread(): number[] {
    return this.stored.filter((n) => !this.read.has(n));
  }

  /** As it is now. */
  inbox() {
    const unread = this.unread;
    return inboxOf(unread.slice(-3), unread.length, unread.length > 3 ? "more" : null);
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ store: fc.constant(true) }) },
  fc.record({ ids: fc.array(fc.nat(8), { minLength: 1, maxLength: 3 }) }),
  fc.record({ until: fc.nat(4) }),
  fc.record({ all: fc.constant(true) }),
  fc.record({ authorize: fc.constant(true) }),
  { weight: 5, arbitrary: fc.record({ deliver: fc.nat(3) }) },
);

it("shows what is unread, counts it, and tells each once, however late and in whatever order all of it arrives", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const server = new Server();
      const { merged, told, shown } = client();
      const authorize = () => {
        const mark = merged.mark();
        const inbox = server.inbox();
        server.line.push(() => merged.merge(inbox, mark, true));
      };
      const mark = (numbers: number[], read: Parameters<typeof merged.clear>[0]) => {
        for (const n of numbers) server.read.add(n);
        const left = server.unread.length;
        server.line.push(() => merged.clear(read, left));
      };
      merged.merge(server.inbox(), merged.mark());
      for (const one of steps) {
        if ("store" in one) {
          const n = server.next++;
          server.stored.push(n);
          server.line.push(() => merged.push(notice(n)));
        } else if ("ids" in one) {
          const numbers = one.ids.filter((n) => server.stored.includes(n));
          if (numbers.length > 0) mark(numbers, { ids: numbers.map((n) => notice(n).id) });
        } else if ("until" in one) {
          const until = shown()[one.until];
          if (until)
            mark(
              server.stored.filter((n) => n <= until),
              { all: true, until: notice(until).id },
            );
        } else if ("all" in one) mark(server.stored, { all: true });
        else if ("authorize" in one) authorize();
        else server.line.splice(one.deliver, 1)[0]?.();
      }
      while (server.line.length > 0) server.line.shift()!();
      for (let rereadings = 0; merged.needsRefetch(); rereadings++) {
        if (rereadings > 2) throw new Error("It stays in doubt");
        merged.merge(server.inbox(), merged.mark(), true);
      }

      const newest = server.unread.toReversed();
      expect(shown()).toEqual(newest.slice(0, shown().length));
      expect(merged.notices().unread).toBe(newest.length);
      if (!merged.notices().nextCursor) expect(shown()).toEqual(newest);
      expect(new Set(told).size).toBe(told.length);
    }),
    { numRuns: 3_000 },
  );
});
