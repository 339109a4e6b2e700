/** The promises of the backlog, kept on both stores. No relay runs, so nothing is delivered. */
import { randomUUID } from "node:crypto";
import { ServiceBroker, type Service } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { newOutbox, type DueTimes } from "../../domain/outbox.ts";
import type { Open } from "../../mixins/collection.ts";
import { Backlog } from "../../outbox/backlog.ts";
import type { Store } from "../../store/store.ts";
import type { OrderDocument } from "./orders.service.ts";

type Kind = "notice" | "mail" | "reminder";

/** The fewest documents that a poll reads when more are due. */
const limit = 500;

export function backlogPromises(open: () => Promise<Open>): void {
  let broker: ServiceBroker;
  let store: Store<OrderDocument>;
  let backlog: Backlog<OrderDocument>;

  beforeAll(async () => {
    const openStore = await open();
    const { collection } = await import("../../mixins/collection.ts");
    const { outboxIndexes } = await import("../../mixins/outbox.ts");
    const { OrderDocument } = await import("./orders.service.ts");
    broker = new ServiceBroker({ logger: false });
    const orders = { name: "orders", document: OrderDocument, indexes: [...outboxIndexes] };
    const service = { name: "orders", mixins: [collection(orders, openStore)] };
    ({ store } = broker.createService(service) as Service & { store: Store<OrderDocument> });
    await broker.start();
    await eventually(() => store.ping(), { within: 30_000 });
  });
  beforeEach(async () => {
    backlog = new Backlog(store);
    for (const { _id } of await store.find({})) await store.remove({ _id });
  });
  afterAll(() => broker?.stop(), 60_000);

  /** Stores orders with an entry each, and returns their ids. `dueAgo` is the age of the nth in ms. */
  const place = (count: number, kind: Kind, dueAgo: (n: number) => number) =>
    Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const due = { [kind]: new Date(Date.now() - dueAgo(n)) } as DueTimes<Kind>;
        return (await store.insert({ _id: randomUUID(), isPaid: false, outbox: newOutbox(due) }))
          ._id;
      }),
    );
  const anHourAgo = (n: number) => 3_600_000 - 10 * n;
  const idsOf = (found: OrderDocument[]) => found.map(({ _id }) => _id);

  it("is read oldest first, up to a limit that follows the deliveries", async () => {
    const ids = await place(900, "notice", anHourAgo);
    await place(1, "notice", () => -60_000);
    await backlog.poll();

    expect(idsOf(await backlog.poll())).toEqual(ids.slice(0, limit));
    backlog.adapt(500);
    expect(idsOf(await backlog.poll())).toEqual(ids.slice(0, 750));
    backlog.adapt(700);
    expect(idsOf(await backlog.poll())).toEqual(ids);
  });

  it("delays no entry that became due since the last poll", async () => {
    const ids = await place(900, "notice", anHourAgo);
    await backlog.poll();
    const fresh = await place(10, "notice", (n) => 1_000 - n);

    const found = idsOf(await backlog.poll());

    expect(found).toEqual([...fresh, ...ids.slice(0, limit)]);
    expect(idsOf(await backlog.poll())).toEqual(found);
  });

  it("gives up to a quarter more of a poll to entries that have just become due", async () => {
    const ids = await place(limit, "notice", anHourAgo);
    await backlog.poll();
    const fresh = await place(300, "notice", (n) => 1_000 - n);

    const found = idsOf(await backlog.poll());

    expect(found).toEqual([...fresh.slice(0, limit / 4), ...ids]);
  });

  it("that has just become due is returned in order, each document once", async () => {
    const ids = await place(600, "notice", (n) => 1_000 - n);
    await backlog.poll();

    const found = idsOf(await backlog.poll());

    expect(found.toSorted()).toEqual(ids.toSorted());
    expect(found.slice(-limit)).toEqual(ids.slice(0, limit));
  });

  it("of one kind is read past by a poll or probe for others, which leaves the next poll as it was", async () => {
    const mails = await place(600, "mail", anHourAgo);
    const notices = await place(20, "notice", (n) => 60_000 - n);
    await backlog.poll();
    const all = idsOf(await backlog.poll());

    expect(idsOf(await backlog.poll(["notice"]))).toEqual(notices);
    expect(idsOf(await backlog.probe("notice"))).toEqual(notices.slice(0, 1));
    expect(idsOf(await backlog.probe("mail"))).toEqual(mails.slice(0, 1));
    expect(idsOf(await backlog.poll(["reminder"]))).toEqual([]);

    expect(idsOf(await backlog.poll())).toEqual(all);
    expect(all).toEqual(mails.slice(0, limit));
  });
}
