import { randomUUID } from "node:crypto";
import type { Inbox } from "../../../contracts/notifications.ts";
import { Client } from "../client.ts";
import { eventually } from "../../../bin/processes/eventually.ts";
import type { Fabric } from "../fabric.ts";
import { holdsToModel } from "../inbox-model.ts";
import { uuid, type Fixture } from "./fixture.ts";

/** The error code of a refused call; "ok" when it was not refused. */
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: { type?: string }) => error.type,
  );

export function noticePromises(fixture: Fixture): void {
  const { device, inboxOf } = fixture;
  let fabric: Fabric;
  beforeAll(() => void ({ fabric } = fixture));

  describe("a notice", () => {
    it("is stored and counted once, however often it is delivered", async () => {
      const user = await Client.registered(fabric.api);
      const notice = {
        id: randomUUID(),
        userId: user.id,
        text: "Hello",
        data: { kept: { "a.b": 1, $set: 2 } },
      };

      const answers = await Promise.all(
        Array.from({ length: 20 }, () => fabric.call("notifications.notify", notice)),
      );

      for (const answer of answers) expect(answer).toEqual({ ok: true, id: notice.id });
      expect(await inboxOf(user)).toMatchObject({
        unread: 1,
        notifications: [{ id: notice.id, data: notice.data }],
      });
    });

    it("is stored and counted once when it is delivered in batches and on its own", async () => {
      const [user, other] = [
        await Client.registered(fabric.api),
        await Client.registered(fabric.api),
      ];
      const to = ({ session }: Client) => ({
        id: randomUUID(),
        userId: session!.user.id,
        text: "Hello",
      });
      const notices = [
        ...Array.from({ length: 50 }, () => to(user)),
        ...Array.from({ length: 50 }, () => to(other)),
      ];
      const { socket } = await device(user);
      const received = new Set<string>();
      socket.on("notification", ({ id }) => received.add(id));

      const answers = await Promise.all([
        fabric.call("notifications.notifyAll", { notices }),
        fabric.call("notifications.notifyAll", {
          notices: [...notices.slice(50), ...notices.slice(0, 50)],
        }),
        fabric.call("notifications.notify", notices[0]!),
      ]);

      expect(answers).toEqual([{ ok: true }, { ok: true }, { ok: true, id: notices[0]!.id }]);
      expect([(await inboxOf(user)).unread, (await inboxOf(other)).unread]).toEqual([50, 50]);
      await eventually(() =>
        expect(received).toEqual(new Set(notices.slice(0, 50).map(({ id }) => id))),
      );
    });

    it("is stored for a user that has never connected", async () => {
      expect(
        await fabric.call("notifications.notify", { userId: randomUUID(), text: "Hello" }),
      ).toEqual({
        ok: true,
        id: expect.stringMatching(uuid),
      });
    });

    it.each([
      ["no user", { text: "Hello" }],
      ["no text", { userId: "u" }],
      ["an empty text", { userId: "u", text: "" }],
      ["a user that is an object", { userId: { $ne: 1 }, text: "Hello" }],
    ])("is refused with %s", async (_what, notice) => {
      expect(await codeOf(fabric.call("notifications.notify", notice as never))).toBe("BAD_DATA");
    });

    it("is marked read only by its own user, on every device", async () => {
      const [user, stranger] = [
        await Client.registered(fabric.api),
        await Client.registered(fabric.api),
      ];
      const { id } = await fabric.call("notifications.notify", { userId: user.id, text: "Hello" });
      const { socket } = await device(user);
      const received = new Promise((resolve) => socket.once("read", resolve));

      expect((await stranger.call("POST", "/notifications/read", { ids: [id] })).body).toEqual({
        unread: 0,
      });
      expect((await inboxOf(user)).unread).toBe(1);
      expect((await user.call("POST", "/notifications/read", { ids: [id] })).body).toEqual({
        unread: 0,
      });
      expect(await received).toEqual({ ids: [id], unread: 0 });
    });

    it(
      "keeps the unread count correct under deliveries, repetitions and reads in any order",
      () => holdsToModel(fabric.call),
      60_000,
    );

    it("is listed newest first, in pages, and filtered by unread", async () => {
      const user = await Client.registered(fabric.api);
      const ids: string[] = [];
      for (let n = 0; n < 5; n++)
        ids.unshift(
          (await fabric.call("notifications.notify", { userId: user.id, text: `${n}` })).id,
        );
      await user.call("POST", "/notifications/read", { ids: [ids[1]] });
      const page = async (query: string) =>
        (await user.call<Inbox>("GET", `/notifications?${query}`)).body;

      const first = await page("limit=3");
      const rest = await page(`limit=3&cursor=${first.nextCursor}`);
      expect([...first.notifications, ...rest.notifications].map(({ id }) => id)).toEqual(ids);
      expect([first.unread, rest.nextCursor]).toEqual([4, null]);
      expect((await page("unread=true")).notifications.map(({ id }) => id)).toEqual(
        ids.filter((_, n) => n !== 1),
      );
    });
  });
}
