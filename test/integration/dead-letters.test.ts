import { randomUUID } from "node:crypto";
import type { ServiceBroker, Service } from "moleculer";
import type { Owed } from "../../contracts/outbox.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { newDebt } from "../../domain/outbox.ts";
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

/** Sold a minute ago, and nobody told. */
function owing(title: string): ItemDocument {
  const at = new Date(Date.now() - 60_000);
  const item = offered(
    { title, price: 4500 },
    { id: randomUUID(), sellerId: randomUUID(), currency: "EUR", now: at },
  );
  return { ...item, ...(sold("bob", randomUUID(), at, newDebt(at)).$set as Partial<ItemDocument>) };
}

describe("a notice that notifications refuses", () => {
  it("waits for an operator to mend and replay it, and nobody else's waits for it", async () => {
    const tooLong = owing("x".repeat(10_000));
    const other = owing("Tea tray");
    for (const item of [tooLong, other]) await market().adapter.insert(item);

    await eventually(async () => expect(await inboxOf(other.sellerId)).toEqual(["Tea tray"]));
    const refused = () => call<{ debts: Owed[] }>("market.debts", { state: "refused" });
    await eventually(async () =>
      expect((await refused()).debts).toEqual([
        expect.objectContaining({ id: tooLong._id, reason: expect.stringContaining("too large") }),
      ]),
    );
    expect(await inboxOf(tooLong.sellerId)).toEqual([]);

    await market().store.change({ _id: tooLong._id }, { $set: { title: "Long rug" } });
    expect(await call("market.replay", { id: tooLong._id })).toEqual({ replayed: 1 });

    await eventually(async () => expect(await inboxOf(tooLong.sellerId)).toEqual(["Long rug"]));
    expect(await call("market.debts", { state: "refused" })).toEqual({
      count: 0,
      debts: [],
      nextCursor: null,
    });
  });
});
