/** Notices that reach their users without an open page: the messages of the notices' outbox. */
import { createECDH, randomBytes, randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { keyOf } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import type { Store } from "../../store/store.ts";
import { addressOf, startBroker } from "../support/broker.ts";
import { Client } from "../support/client.ts";

const broker = await startBroker();
const api = addressOf(broker, "api");
const { store } = broker.getLocalService("notifications") as unknown as Service & {
  store: Store<NoticeDocument>;
};
afterAll(() => broker.stop());

const notify = async (userId: string) => {
  const id = randomUUID();
  await broker.call("notifications.notify", { id, userId, text: "Hello" });
  return (await store.one({ _id: keyOf(userId, id) }))!;
};
const entriesOf = async ({ _id }: NoticeDocument) =>
  Object.fromEntries(
    Object.entries((await store.one({ _id }))?.outbox?.entries ?? {}).map(([kind, entry]) => [
      kind,
      entry.state,
    ]),
  );
/** Makes the pushes and mails of a notice due. */
const makeDue = ({ _id, outbox }: NoticeDocument) => {
  const past = new Date(Date.now() - 1_000).toISOString();
  const due = Object.keys(outbox!.entries).map((kind) => [`outbox.entries.${kind}.dueAt`, past]);
  return store.change({ _id }, { $set: { ...Object.fromEntries(due), "outbox.dueAt": past } });
};
const withDevice = async () => {
  const user = await Client.registered(api);
  await user.call("POST", "/notifications/push", {
    endpoint: `https://updates.push.services.mozilla.com/wpush/v2/${randomUUID()}`,
    keys: {
      p256dh: createECDH("prime256v1").generateKeys("base64url"),
      auth: randomBytes(16).toString("base64url"),
    },
  });
  return user;
};

it("the notice of a user without channels has no outbox", async () => {
  const user = await Client.registered(api);
  expect(await notify(user.id)).not.toHaveProperty("outbox");
});

it("a push is due after 30 seconds, and a mail after 10 minutes", async () => {
  const user = await withDevice();
  await broker.call("notifications.setMailable", { userId: user.id });
  const { createdAt, outbox } = await notify(user.id);
  const after = (dueAt?: string) => (Date.parse(dueAt!) - Date.parse(createdAt)) / 1000;
  expect(after(outbox?.entries.push?.dueAt)).toBeCloseTo(30, 0);
  expect(after(outbox?.entries.mail?.dueAt)).toBeCloseTo(600, 0);
  expect(outbox?.entries.webhook).toBeUndefined();
});

it.each([
  ["shown", (user: Client) => user.call("GET", "/notifications")],
  ["read", (user: Client) => user.call("POST", "/notifications/read", { all: true })],
])("a notice that was %s costs no push and no mail", async (_, see) => {
  const user = await withDevice();
  await broker.call("notifications.setMailable", { userId: user.id });
  const notice = await notify(user.id);
  await see(user);
  await makeDue(notice);
  await eventually(async () =>
    expect(await entriesOf(notice)).toEqual({ push: "cancelled", mail: "cancelled" }),
  );
});

it("a notice that was not shown is given to deliveries", async () => {
  const user = await withDevice();
  const notice = await notify(user.id);
  await makeDue(notice);
  await eventually(async () => expect(await entriesOf(notice)).toEqual({ push: "delivered" }));
});

it("subscriptions end with their session", async () => {
  const user = await withDevice();
  await user.call("POST", "/users/logout", { refreshToken: user.session!.refreshToken });
  await eventually(async () =>
    expect((await broker.call("notifications.recipient", { userId: user.id })).push).toEqual([]),
  );
});
