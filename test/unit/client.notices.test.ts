import fc from "fast-check";
import { InboxMerge } from "../../client/inbox/inbox-merge.ts";
import type { Notification } from "../../client/notices.ts";

const notice = (n: number): Notification => ({
  id: `n${String(n).padStart(3, "0")}`,
  type: "notice",
  text: `Item #${n} was sold!`,
  data: {},
  createdAt: new Date(n * 1000).toISOString(),
  isRead: false,
});
const inboxOf = (numbers: number[], unread = numbers.length, nextCursor: string | null = null) => ({
  notifications: numbers.map(notice).reverse(),
  unread,
  nextCursor,
});

function client() {
  const emitted: string[] = [];
  const merged = new InboxMerge(({ id }) => emitted.push(id));
  const shown = () => merged.notices.notifications.map(({ id }) => Number(id.slice(1)));
  return { merged, emitted, shown };
}

describe("merging inboxes, pushes and reads", () => {
  it("keeps a push that arrives before an inbox without it", () => {
    const { merged, shown, emitted } = client();
    const mark = merged.mark();
    merged.push(notice(3));

    merged.merge(inboxOf([1, 2]), mark);

    expect(shown()).toEqual([3, 2, 1]);
    expect(merged.notices.unread).toBe(3);
    expect(emitted).toEqual(["n003"]);
  });

  it("shows a push that is also in the inbox once", () => {
    const { merged, shown, emitted } = client();
    const mark = merged.mark();
    merged.push(notice(2));

    merged.merge(inboxOf([1, 2]), mark);
    merged.push(notice(2));

    expect(shown()).toEqual([2, 1]);
    expect(merged.notices.unread).toBe(2);
    expect(emitted).toEqual(["n002"]);
  });

  it("does not show a notice again that was read before the inbox arrived", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2]), merged.mark());
    const mark = merged.mark();
    merged.markRead({ ids: ["n001"] }, 1);

    merged.merge(inboxOf([1, 2]), mark);

    expect(shown()).toEqual([2]);
    expect(merged.notices.unread).toBe(1);
    expect(merged.needsRefetch()).toBe(true);
  });

  it("removes notices that were read while the client was disconnected", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2, 3]), merged.mark());

    merged.merge(inboxOf([3]), merged.mark());

    expect(shown()).toEqual([3]);
  });

  it("emits the new notices of later inboxes, oldest first, and none of the first inbox", () => {
    const { merged, emitted } = client();
    merged.merge(inboxOf([1, 2]), merged.mark());
    expect(emitted).toEqual([]);

    merged.merge(inboxOf([1, 2, 3, 4]), merged.mark());

    expect(emitted).toEqual(["n003", "n004"]);
  });

  it("keeps loaded older notices when no push can have been missed, or when the counts show that none of them was read", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([3, 4], 4, "c3"), merged.mark());
    merged.append(inboxOf([1, 2], 4), merged.mark());
    expect(shown()).toEqual([4, 3, 2, 1]);

    merged.merge(inboxOf([3, 4], 4, "c3"), merged.mark(), true);
    expect([shown(), merged.notices.nextCursor]).toEqual([[4, 3, 2, 1], null]);
    merged.merge(inboxOf([4, 5], 5, "c4"), merged.mark());
    expect([shown(), merged.notices.nextCursor]).toEqual([[5, 4, 3, 2, 1], null]);
    merged.merge(inboxOf([4, 5], 4, "c4"), merged.mark());
    expect([shown(), merged.notices.nextCursor]).toEqual([[5, 4], "c4"]);
  });

  it("drops the loaded notices when more new ones than a page may have been missed", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2, 3], 3), merged.mark());
    merged.merge(inboxOf([8, 9], 5, "c8"), merged.mark());
    expect([shown(), merged.notices.nextCursor]).toEqual([[9, 8], "c8"]);
  });

  it("ignores an inbox that was requested before the one that is shown", () => {
    const { merged, shown } = client();
    const early = merged.mark();
    merged.merge(inboxOf([2]), merged.mark());
    merged.merge(inboxOf([1, 2]), early);
    expect([shown(), merged.notices.unread]).toEqual([[2], 1]);
  });

  it.each([
    ["an hour", 3_600],
    ["a millisecond", 0.001],
  ])(
    "shows a new notice first when a clock is %s slow, reads again, and marks all as read up to the newest by the server's order",
    (_, behind) => {
      const { merged, shown } = client();
      merged.merge(inboxOf([4, 5]), merged.mark());
      const slow = { ...notice(6), createdAt: new Date((5 - behind) * 1000).toISOString() };
      merged.push(slow);

      expect([shown(), merged.notices.unread, merged.needsRefetch()]).toEqual([[6, 5, 4], 3, true]);
      expect(merged.newestId).toBe("n005");
      merged.push(notice(7));
      expect([shown(), merged.newestId]).toEqual([[7, 6, 5, 4], "n007"]);
      merged.markRead({ all: true, until: "n007" }, 0);
      expect([shown(), merged.notices.unread]).toEqual([[], 0]);
    },
  );

  it("does not count a push that is older than the loaded notices twice, and reads again", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([5, 6], 5_000, "c5"), merged.mark());

    merged.push(notice(2));
    expect(merged.needsRefetch()).toBe(true);
    merged.push(notice(7));

    expect(shown()).toEqual([7, 6, 5]);
    expect(merged.notices.unread).toBe(5_001);
  });

  it("marks all notices up to `until` as read, also when the event is repeated", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([1, 2], 500, "c1"), merged.mark());
    merged.push(notice(3));

    for (const _ of "12") merged.markRead({ all: true, until: "n002" }, 1);

    expect([shown(), merged.notices]).toEqual([
      [3],
      { notifications: [notice(3)], unread: 1, nextCursor: null },
    ]);
  });

  it("needs a refetch after a read up to an unknown notice, until the next inbox", () => {
    const { merged } = client();
    merged.merge(inboxOf([2, 3]), merged.mark());
    expect(merged.needsRefetch()).toBe(false);

    merged.markRead({ all: true, until: "n001" }, 2);
    expect(merged.needsRefetch()).toBe(true);
    merged.merge(inboxOf([2, 3]), merged.mark());
    expect(merged.needsRefetch()).toBe(false);
  });

  it("needs a refetch when count and list differ", () => {
    const { merged } = client();
    merged.merge(inboxOf([2, 3], 3), merged.mark());
    expect(merged.needsRefetch()).toBe(true);
  });

  it.each([
    ["some", { ids: ["n009"] }, 1],
    ["all", { all: true }, 0],
  ] as const)(
    "needs a refetch when a push and a read of %s arrive so close together that their order is unknown",
    (_, read, left) => {
      const { merged } = client();
      merged.merge(inboxOf([], 0), merged.mark());
      merged.push(notice(1));
      expect(merged.needsRefetch()).toBe(false);

      merged.markRead({ ids: [], ...read } as never, left);
      expect(merged.needsRefetch()).toBe(true);
    },
  );

  it("shows a push that is older than the read position until the next inbox: the server's clock may be slow, or the push late", () => {
    const { merged, shown } = client();
    merged.merge(inboxOf([4, 5, 6]), merged.mark());
    merged.markRead({ all: true, until: "n005" }, 1);
    merged.push(notice(3));
    expect([shown(), merged.needsRefetch()]).toEqual([[3, 6], true]);

    merged.merge(inboxOf([7, 8, 9], 4, "c7"), merged.mark(), true);

    expect(shown()).toEqual([9, 8, 7]);
    expect(merged.needsRefetch()).toBe(false);
  });
});

/** A server whose inbox has pages of three notices, behind a connection that delays and reorders messages. */
class Server {
  readonly stored: number[] = [];
  readonly read = new Set<number>();
  readonly delayed: (() => void)[] = [];
  next = 1;

  get unread(): number[] {
    return this.stored.filter((n) => !this.read.has(n));
  }

  /** The current inbox, or the page behind a cursor: the number of the oldest notice in front of it. */
  inbox(cursor = "Infinity") {
    const unread = this.unread;
    const left = unread.filter((n) => n < Number(cursor));
    const page = left.slice(-3);
    return inboxOf(page, unread.length, left.length > 3 ? String(page[0]) : null);
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

it("shows and counts the unread notices and emits each once, in whatever order events arrive", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const server = new Server();
      const { merged, emitted, shown } = client();
      const authorize = () => {
        const mark = merged.mark();
        const inbox = server.inbox();
        server.delayed.push(() => merged.merge(inbox, mark, true));
      };
      const mark = (numbers: number[], read: Parameters<typeof merged.markRead>[0]) => {
        for (const n of numbers) server.read.add(n);
        const left = server.unread.length;
        server.delayed.push(() => merged.markRead(read, left));
      };
      merged.merge(server.inbox(), merged.mark());
      for (const one of steps) {
        if ("store" in one) {
          const n = server.next++;
          server.stored.push(n);
          server.delayed.push(() => merged.push(notice(n)));
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
        else server.delayed.splice(one.deliver, 1)[0]?.();
      }
      while (server.delayed.length > 0) server.delayed.shift()!();
      for (let refetches = 0; merged.needsRefetch(); refetches++) {
        if (refetches > 2) throw new Error("The inbox still needs a refetch.");
        merged.merge(server.inbox(), merged.mark(), true);
      }

      const newest = server.unread.toReversed();
      expect(shown()).toEqual(newest.slice(0, shown().length));
      expect(merged.notices.unread).toBe(newest.length);
      if (!merged.notices.nextCursor) expect(shown()).toEqual(newest);
      expect(new Set(emitted).size).toBe(emitted.length);
    }),
    { numRuns: 3_000 },
  );
});

const pollStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ store: fc.constant(true) }) },
  fc.record({ ids: fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }) }),
  { weight: 2, arbitrary: fc.record({ more: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ poll: fc.constant(true) }) },
);

it("shows the unread notices after every read by REST while nothing is pushed, whatever was loaded and read in between", () => {
  fc.assert(
    fc.property(fc.array(pollStep, { maxLength: 60 }), (steps) => {
      const server = new Server();
      const { merged, emitted, shown } = client();
      const poll = () => merged.merge(server.inbox(), merged.mark());
      poll();
      for (const one of steps) {
        if ("store" in one) server.stored.push(server.next++);
        else if ("ids" in one) for (const n of one.ids) server.read.add(n);
        else if ("poll" in one) poll();
        else if (merged.notices.nextCursor) {
          const mark = merged.mark();
          merged.append(server.inbox(merged.notices.nextCursor), mark);
        }
        if (!("poll" in one)) continue;
        const newest = server.unread.toReversed();
        expect(shown()).toEqual(newest.slice(0, shown().length));
        expect(merged.notices.unread).toBe(newest.length);
        expect(merged.notices.nextCursor === null).toBe(shown().length === newest.length);
      }
      expect(new Set(emitted).size).toBe(emitted.length);
    }),
    { numRuns: 2_000 },
  );
});
