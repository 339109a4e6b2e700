import type { NoticeDocument } from "../../domain/notice.ts";
import {
  byUser,
  newNotice,
  nextInstant,
  toMark,
  toNotification,
  groupUnread,
} from "../../domain/inbox.ts";

const now = new Date("2026-01-01T00:00:00.000Z");

it("adds an id, a type and a time to a notice without them", () => {
  const notice = newNotice({ userId: "u", text: "Hello" }, "fresh", now);

  expect(toNotification(notice)).toEqual({
    id: "fresh",
    type: "notice",
    text: "Hello",
    data: {},
    createdAt: now.toISOString(),
  });
  expect(newNotice({ userId: "u", id: "own", text: "Hello" }, "fresh", now).id).toBe("own");
});

it("marks notices as read up to one in the order of the inbox, with the key as tie-breaker", () => {
  const until = newNotice({ userId: "u", id: "m", text: "Hello" }, "", now);

  expect(toMark("u", { all: true, until: "m" }, until)).toEqual({
    userId: "u",
    isRead: false,
    createdAt: { $lte: until.createdAt },
    $or: [{ createdAt: { $lt: until.createdAt } }, { _id: { $lte: "u.m" } }],
  });
});

it("groups unread notices by user, and marks users whose notices the limit truncated", () => {
  const [anna, berta, cleo] = ["anna", "berta", "cleo"].map((userId) =>
    newNotice({ userId, text: "Hello" }, "n", now),
  );

  const found = (...notices: (NoticeDocument | undefined)[]) =>
    notices
      .map((notice) => notice!)
      .toSorted((a, b) => byUser.userId * (a.userId < b.userId ? -1 : 1));

  const all = groupUnread(found(anna, cleo), 3);
  const cut = groupUnread(found(berta, cleo), 2);

  expect(["anna", "berta", "cleo"].map(all)).toEqual([[anna], [], [cleo]]);
  expect(["anna", "berta", "cleo", "dora"].map(cut)).toEqual([undefined, undefined, [cleo], []]);
});

it.each([
  ["after a while", 0, 5000, 5000],
  ["within one millisecond", 5000, 5000, 5001],
  ["in a burst", 5900, 5000, 5901],
  ["in a burst that is a second ahead of the clock", 6000, 5000, 6000],
  ["after a clock was set back an hour", 3_600_000, 5000, 6000],
])("gives each notice its own instant: %s", (_when, before, now, next) => {
  expect(nextInstant(before, now)).toBe(next);
});
