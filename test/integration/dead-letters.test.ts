import { randomUUID } from "node:crypto";
import type { ServiceBroker, Service } from "moleculer";
import type { ListedEntry } from "../../contracts/outbox.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";
import type { Adapter, Store } from "../../store/store.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { temporaryFolder } from "../../bin/processes/node-process.ts";

const folder = temporaryFolder();
let broker: ServiceBroker;

beforeAll(async () => {
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "fatal",
  });
  const { startNode } = await import("../../bin/node.ts");
  broker = await startNode([], { started: () => {} });
});
afterAll(async () => {
  await broker.stop();
  folder.remove();
});

const market = () =>
  broker.getLocalService("market") as Service & { store: Store<ItemDocument>; adapter: Adapter };
const call = <T>(action: string, params: object, user?: string) =>
  broker.call<T, object>(action, params, { meta: user ? { user: { id: user } } : {} });
const inboxOf = async (user: string) =>
  (await call<Inbox>("notifications.inbox", {}, user)).notifications.map(({ data }) => data.title);

/** An item that was sold a minute ago, with a pending notice. */
function soldItem(title: string): ItemDocument {
  const at = new Date(Date.now() - 60_000);
  const item = offered(
    { title, price: 4500 },
    { id: randomUUID(), sellerId: randomUUID(), currency: "EUR", now: at },
  );
  return { ...item, ...sold("bob", randomUUID(), at, newOutbox({ notice: at })).$set };
}

describe("a notice that notifications refuses", () => {
  it("is a dead letter until an operator corrects and replays it, and delays no other", async () => {
    const tooLong = soldItem("x".repeat(10_000));
    const other = soldItem("Tea tray");
    for (const item of [tooLong, other]) await market().adapter.insert(item);

    await eventually(async () => expect(await inboxOf(other.sellerId)).toEqual(["Tea tray"]));
    const refused = () => call<{ entries: ListedEntry[] }>("market.outbox", { state: "refused" });
    await eventually(async () =>
      expect((await refused()).entries).toEqual([
        expect.objectContaining({
          id: tooLong._id,
          kind: "notice",
          reason: expect.stringContaining("too large"),
        }),
      ]),
    );
    expect(await inboxOf(tooLong.sellerId)).toEqual([]);

    await market().store.change({ _id: tooLong._id }, { $set: { title: "Long rug" } });
    expect(await call("market.replay", { id: tooLong._id })).toEqual({ replayed: 1 });

    await eventually(async () => expect(await inboxOf(tooLong.sellerId)).toEqual(["Long rug"]));
    expect(await call("market.outbox", { state: "refused" })).toEqual({
      count: 0,
      entries: [],
      nextCursor: null,
    });
  });
});
