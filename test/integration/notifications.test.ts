import { jest } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { actions } from "../../contracts/actions.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { inboxSize } from "../../contracts/socket.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { notifications, type Notifications } from "../support/notifications.ts";

let souk: Notifications;
beforeAll(async () => void (souk = await notifications()));
afterAll(() => souk.end());

const notify = async (userId: string, notice: object = {}) =>
  (await souk.call("notifications.notify", { userId, text: "Item #1 was sold!", ...notice })).id;
const inbox = (userId: string, params: object = {}) =>
  souk.call("notifications.inbox", params, userId);
const idsOf = ({ notifications }: Inbox) => notifications.map(({ id }) => id);
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    ({ type, code }: { type: string; code: number }) => `${code} ${type}`,
  );

describe("a notice", () => {
  it("is emitted to every socket of its user and to no other socket", async () => {
    const [user, stranger] = [randomUUID(), randomUUID()];
    const [phone, laptop, other] = [
      await souk.device(user),
      await souk.device(user),
      await souk.device(stranger),
    ];

    const id = await notify(user, { type: "sale", data: { itemId: "1" } });

    for (const device of [phone, laptop]) {
      await device.shows(id);
      expect(device.received("notification")).toEqual([
        {
          id,
          type: "sale",
          text: "Item #1 was sold!",
          data: { itemId: "1" },
          createdAt: expect.stringMatching(/Z$/),
        },
      ]);
    }
    const marker = await notify(stranger);
    await other.shows(marker);
    expect(other.received("notification").map((notification) => notification.id)).toEqual([marker]);
  });

  it("waits in the inbox of a user without sockets", async () => {
    const user = randomUUID();
    const id = await notify(user);

    const device = await souk.device(user);

    expect(device.received("inbox")).toMatchObject([
      { unread: 1, notifications: [{ id }], nextCursor: null },
    ]);
  });

  it("is stored once and emitted again when it is sent again with the same id", async () => {
    const [user, id] = [randomUUID(), randomUUID()];
    const device = await souk.device(user);
    await notify(user, { id, text: "first" });

    expect(await souk.call("notifications.notify", { id, userId: user, text: "second" })).toEqual({
      ok: true,
      id,
    });

    const shown = await device.receives("notification", 2);
    expect(shown).toEqual(device.received("notification")[0]);
    expect(shown.text).toBe("first");
    expect(await inbox(user)).toMatchObject({ unread: 1, notifications: [{ id, text: "first" }] });
  });

  it("is not emitted again after it was read", async () => {
    const [user, id] = [randomUUID(), randomUUID()];
    const device = await souk.device(user);
    await notify(user, { id });
    await souk.call("notifications.read", { ids: [id] }, user);

    await notify(user, { id });

    const marker = await notify(user);
    await device.shows(marker);
    expect(device.received("notification").map((notification) => notification.id)).toEqual([
      id,
      marker,
    ]);
  });

  it("is broadcast to no node while there is no other notifications node", async () => {
    const broadcast = jest.spyOn(souk.broker, "broadcast");
    await notify(randomUUID());
    expect(broadcast).not.toHaveBeenCalled();
    broadcast.mockRestore();
  });

  it("may share its id with a notice of another user", async () => {
    const [user, other, id] = [randomUUID(), randomUUID(), randomUUID()];

    await Promise.all([
      notify(user, { id, text: "for one" }),
      notify(other, { id, text: "for the other" }),
    ]);

    expect([await inbox(user), await inbox(other)]).toMatchObject([
      { unread: 1, notifications: [{ id, text: "for one" }] },
      { unread: 1, notifications: [{ id, text: "for the other" }] },
    ]);
  });

  it("keeps its data exactly", async () => {
    const user = randomUUID();
    const data = {
      "a.b": { $set: [1, null, { "": "🪔" }] },
      nul: "\0",
      half: "\ud800",
      deep: JSON.parse("[".repeat(500) + "]".repeat(500)) as unknown,
    };

    await notify(user, { data });

    expect((await inbox(user)).notifications[0]!.data).toEqual(data);
  });

  it.each([
    ["no user", { text: "Hello" }],
    ["a user with a dot", { userId: "a.b", text: "Hello" }],
    ["a user that is a query", { userId: { $ne: 1 }, text: "Hello" }],
    ["no text", { userId: "u" }],
    ["a text of spaces", { userId: "u", text: "  " }],
    ["a text that is too long", { userId: "u", text: "x".repeat(1001) }],
    ["an id with a dot", { userId: "u", text: "Hello", id: "a.b" }],
    ["data that is a list", { userId: "u", text: "Hello", data: [] }],
    ["data that is too large", { userId: "u", text: "Hello", data: { x: "x".repeat(8 * 1024) } }],
    ["an unknown field", { userId: "u", text: "Hello", room: "all" }],
  ])("is refused with %s", async (_what, notice) => {
    expect(await refusal(souk.call("notifications.notify", notice as never))).toBe("400 BAD_DATA");
    const among = { notices: [{ userId: "u", text: "Hello" }, notice] };
    expect(await refusal(souk.call("notifications.notifyAll", among as never))).toBe(
      "400 BAD_DATA",
    );
  });

  it.each([
    ["none", []],
    ["more than a hundred", Array.from({ length: 101 }, () => ({ userId: "u", text: "Hello" }))],
    ["one that is not a notice", [null]],
  ])("are refused in one call when there are %s", async (_what, notices) => {
    expect(await refusal(souk.call("notifications.notifyAll", { notices } as never))).toBe(
      "400 BAD_DATA",
    );
  });
});

describe("the inbox", () => {
  it("belongs to its user", async () => {
    await notify(randomUUID());

    expect(await inbox(randomUUID())).toEqual({ notifications: [], unread: 0, nextCursor: null });
    expect(await refusal(souk.call("notifications.inbox", {}))).toBe("401 UNAUTHENTICATED");
  });

  it("is paginated newest first without gaps or repetitions, also within one millisecond", async () => {
    const user = randomUUID();
    const ids: string[] = [];
    for (let n = 0; n < 45; n++) ids.unshift(await notify(user, { text: `${n}` }));

    const first = await inbox(user);
    const second = await inbox(user, { cursor: first.nextCursor! });
    const third = await inbox(user, { cursor: second.nextCursor! });

    expect([first, second, third].map((page) => page.notifications.length)).toEqual([20, 20, 5]);
    expect([first, second, third].flatMap(idsOf)).toEqual(ids);
    expect([first.unread, third.nextCursor]).toEqual([45, null]);
  });

  it("lists unread notices, read notices, or both", async () => {
    const user = randomUUID();
    const [old, recent] = [await notify(user), await notify(user)];
    await souk.call("notifications.read", { ids: [old] }, user);

    expect(idsOf(await inbox(user, { unread: true }))).toEqual([recent]);
    expect(idsOf(await inbox(user, { unread: false }))).toEqual([old]);
    expect(idsOf(await inbox(user))).toEqual([recent, old]);
  });

  it("starts on the socket with the newest unread notices and continues over HTTP", async () => {
    const user = randomUUID();
    const ids: string[] = [];
    for (let n = 0; n < inboxSize + 3; n++) ids.unshift(await notify(user));
    const [read] = ids.splice(3, 1);
    await souk.call("notifications.read", { ids: [read!] }, user);

    const sent = await (await souk.device(user)).receives("inbox");
    const rest = await inbox(user, { unread: true, cursor: sent.nextCursor! });

    expect([sent.unread, sent.notifications.length]).toEqual([inboxSize + 2, inboxSize]);
    expect([...idsOf(sent), ...idsOf(rest)]).toEqual(ids);
  });

  it("refuses a cursor of another list", async () => {
    const cursor = Buffer.from(JSON.stringify(["price1", 5, "x"])).toString("base64url");

    for (const wrong of [cursor, "AAAA"])
      expect(await refusal(inbox(randomUUID(), { cursor: wrong }))).toBe("400 BAD_DATA");
  });
});

describe("reading", () => {
  it("on one socket is acknowledged there and emitted to the user's other sockets", async () => {
    const user = randomUUID();
    const ids = [await notify(user), await notify(user)];
    await notify(user);
    const [phone, laptop] = [await souk.device(user), await souk.device(user)];

    expect(await phone.ask("read", { ids })).toEqual({ ids, unread: 1 });

    expect(await laptop.receives("read")).toEqual({ ids, unread: 1 });
    expect(await laptop.ask("read", { all: true })).toEqual({ all: true, unread: 0 });
    expect(await phone.receives("read")).toEqual({ all: true, unread: 0 });
    expect([phone, laptop].map((device) => device.received("read").length)).toEqual([1, 1]);
  });

  it("over HTTP is emitted to every socket of the user", async () => {
    const user = randomUUID();
    const id = await notify(user);
    const devices = [await souk.device(user), await souk.device(user)];

    expect(await souk.call("notifications.read", { all: true, until: id }, user)).toEqual({
      unread: 0,
    });

    for (const device of devices)
      expect(await device.receives("read")).toEqual({ all: true, until: id, unread: 0 });
  });

  it("up to a notice leaves later notices, and those of other users", async () => {
    const [user, stranger] = [randomUUID(), randomUUID()];
    await notify(stranger);
    const [, until, after] = [await notify(user), await notify(user), await notify(user)];

    expect(await souk.call("notifications.read", { all: true, until }, user)).toEqual({
      unread: 1,
    });
    expect(idsOf(await inbox(user, { unread: true }))).toEqual([after]);
    expect((await inbox(stranger)).unread).toBe(1);
  });

  it("an unknown notice, or another user's, changes nothing and is no error", async () => {
    const [user, stranger] = [randomUUID(), randomUUID()];
    const id = await notify(user);

    for (const read of [{ ids: [id] }, { all: true, until: id } as const, { all: true } as const])
      expect(await souk.call("notifications.read", read, stranger)).toEqual({ unread: 0 });
    expect(await souk.call("notifications.read", { all: true, until: randomUUID() }, user)).toEqual(
      { unread: 1 },
    );
    expect((await inbox(user)).unread).toBe(1);
  });

  it.each([
    {},
    { ids: [] },
    { ids: "all" },
    { ids: [{ $ne: 1 }] },
    { all: false },
    { all: true, ids: ["x"] },
    { until: "x" },
  ])("refuses %j", async (read) => {
    expect(await refusal(souk.call("notifications.read", read as never, randomUUID()))).toBe(
      "400 BAD_DATA",
    );
  });

  it("needs a user", async () => {
    expect(await refusal(souk.call("notifications.read", { all: true }))).toBe(
      "401 UNAUTHENTICATED",
    );
  });
});

it("is healthy while its store answers, and publishes only the actions of its contract", async () => {
  expect(await souk.call("notifications.health", {})).toEqual({ ok: true });
  await eventually(() => {
    const published = souk.broker.registry.getActionList({ onlyLocal: true }) as { name: string }[];
    const own = published
      .map(({ name }) => name)
      .filter((name) => name.startsWith("notifications."));
    const inContract = Object.keys(actions).filter((name) => name.startsWith("notifications."));
    expect(own.sort()).toEqual(inContract.sort());
  });
});
