import { History } from "../../client/inbox/history.ts";
import { InboxMerge } from "../../client/inbox/inbox-merge.ts";
import { toNotice, type InboxPage, type Notification } from "../../client/notices.ts";
import { SoukError } from "../../client/souk-error.ts";

const notice = (n: number, isRead = false): Notification => ({
  id: `n${n}`,
  type: "notice",
  text: "Hello",
  data: {},
  createdAt: new Date(n * 1000).toISOString(),
  isRead,
});
/** A page of notices; negative numbers are read. */
const pageOf = (numbers: number[], nextCursor: string | null = null): InboxPage => ({
  notifications: numbers.map((n) => notice(Math.abs(n), n < 0)),
  unread: numbers.filter((n) => n > 0).length,
  nextCursor,
});

/** A history whose pages the test answers. */
function opened() {
  const answers: ((answer: InboxPage | SoukError) => Promise<void>)[] = [];
  const cursors: (string | undefined)[] = [];
  const merge = new InboxMerge((notification) => history.add(notification));
  const load = (cursor?: string) =>
    new Promise<InboxPage>((resolve, reject) => {
      cursors.push(cursor);
      answers.push(async (answer) => {
        if (answer instanceof SoukError) reject(answer);
        else resolve(answer);
        for (let n = 0; n < 10; n++) await Promise.resolve();
      });
    });
  const history: History = new History(load, () => merge);
  const shown = () =>
    history.get().notifications.map(({ id, isRead }) => Number(id.slice(1)) * (isRead ? -1 : 1));
  const answer = (page: InboxPage | SoukError) => answers.shift()!(page);
  const push = (n: number) => {
    merge.push(notice(n));
    history.follow();
  };
  const read = (read: Parameters<History["markRead"]>[0], left: number) => {
    merge.markRead(read, left);
    history.markRead(read);
    history.follow();
  };
  return { history, merge, answer, push, read, shown, cursors };
}

it("shows read and unread notices in one list, with older pages, and says when it is not loaded", async () => {
  const { history, merge, answer, shown, cursors } = opened();
  expect(history.get().status).toBe("unknown");
  merge.merge(pageOf([4]), merge.mark());
  void history.more();
  expect(history.get().status).toBe("loading");
  await answer(pageOf([4, -3], "c3"));
  expect([history.get().status, shown()]).toEqual(["loaded", [4, -3]]);
  void history.more();
  await answer(pageOf([-2, -1]));
  await history.more();

  expect([shown(), cursors]).toEqual([
    [4, -3, -2, -1],
    [undefined, "c3"],
  ]);
});

it.each([
  ["some", { ids: ["n2"] }, 2, [4, 3, -2, -1]],
  ["all", { all: true }, 0, [-4, -3, -2, -1]],
  ["all up to one", { all: true, until: "n3" }, 1, [4, -3, -2, -1]],
] as const)(
  "follows pushes and reads of %s, before and during a load",
  async (_, read, left, end) => {
    for (const isDuring of [false, true]) {
      const { history, merge, answer, push, read: markRead, shown } = opened();
      merge.merge(pageOf([3, 2], "c2"), merge.mark());
      void history.more();
      push(4);
      if (isDuring) markRead({ ids: [], ...read } as never, left);
      await answer(pageOf([3, 2, -1]));
      if (!isDuring) markRead({ ids: [], ...read } as never, left);
      expect(shown()).toEqual(end);
    }
  },
);

it("keeps its older pages after a reconnection without a gap, and drops them when there may be one", async () => {
  const { history, merge, answer, shown } = opened();
  merge.merge(pageOf([]), merge.mark());
  void history.more();
  await answer(pageOf([-3, -2], "c2"));
  void history.reload();
  await answer(pageOf([-4, -3], "c3"));
  expect([shown(), history.get().nextCursor]).toEqual([[-4, -3, -2], "c2"]);
  void history.reload();
  await answer(pageOf([-9, -8], "c8"));
  expect([shown(), history.get().nextCursor]).toEqual([[-9, -8], "c8"]);
});

it("is unknown and not empty after a failure, says why, and loads at the next call", async () => {
  const { history, answer, shown } = opened();
  void history.more();
  await answer(new SoukError("UNAVAILABLE", ""));
  expect(history.get()).toMatchObject({ status: "unknown", error: { code: "UNAVAILABLE" } });
  void history.more();
  await answer(pageOf([-1]));
  expect([shown(), history.get().error]).toEqual([[-1], null]);
});

it("loads again when something may have been missed during a load, and ignores the page of another user", async () => {
  const { history, answer, shown, cursors } = opened();
  void history.more();
  void history.reload();
  await answer(pageOf([-1]));
  await answer(pageOf([-2, -1]));
  expect([shown(), cursors.length]).toEqual([[-2, -1], 2]);
  void history.reload();
  history.reset();
  await answer(pageOf([-5]));
  expect(history.get()).toMatchObject({ status: "unknown", notifications: [] });
});

const sale = {
  itemId: "1",
  saleId: "s",
  title: "Lamp",
  price: 42,
  currency: "EUR",
  soldAt: "2026",
};
it.each([
  ["a sale", "sale", { ...sale, buyerId: "b" }, { type: "sale", data: { ...sale, buyerId: "b" } }],
  ["a sale of 0.1.0, without a buyer", "sale", sale, { type: "sale", data: sale }],
  ["a sale with fields of a later version", "sale", { ...sale, x: 1 }, { type: "sale" }],
  ["a sale without a title", "sale", { ...sale, title: null }, { type: "other", kind: "sale" }],
  ["a sale with a broken price", "sale", { ...sale, price: "1" }, { type: "other", kind: "sale" }],
  ["a sale without data", "sale", {}, { type: "other", kind: "sale", data: {} }],
  [
    "a type that the client does not know",
    "review",
    { stars: 5 },
    { type: "other", kind: "review", data: { stars: 5 } },
  ],
  ["a notice without a type", "notice", { a: 1 }, { type: "notice", data: { a: 1 } }],
])("gives %s the type that its data allow", (_, type, data, expected) => {
  const received = { id: "n", type, text: "Hello", data, createdAt: "2026" };
  expect(toNotice(received)).toMatchObject({ id: "n", text: "Hello", isRead: false, ...expected });
});
