/** The promises of an outbox with several kinds of messages, kept on both stores. */
import { randomUUID } from "node:crypto";
import { ServiceBroker, type Service, type ServiceSchema } from "moleculer";
import { eventually } from "../../bin/processes/eventually.ts";
import { refusal } from "../../broker/refusal.ts";
import type { Ctx } from "../../broker/context.ts";
import type { Notice } from "../../contracts/notifications.ts";
import { newOutbox, type DueTimes, type Outbox } from "../../domain/outbox.ts";
import type { Open } from "../../mixins/collection.ts";
import { Leases, type Outcomes } from "../../outbox/leases.ts";
import type { Store, Update } from "../../store/store.ts";
import { gate } from "./gate.ts";
import type { OrderDocument } from "./orders.service.ts";

type Kind = "notice" | "mail" | "reminder";

interface Orders extends Service {
  store: Store<OrderDocument>;
  enqueue(due: DueTimes<Kind>): Outbox<Kind>;
  withEntries(update: object, due: DueTimes<Kind>): Update;
  deliver(ctx: Pick<Ctx<unknown>, "call">, order: OrderDocument): void;
  listEntries(params: {
    state: "pending" | "refused";
  }): Promise<{ count: number; entries: object[] }>;
  replayEntries(id?: string): Promise<{ replayed: number }>;
}

/** The receiving actions of all kinds: records the ids, the times (ms since 1970) and the sizes of the calls. */
class Receivers {
  receivedAt = new Map<string, number[]>();
  callSizes: number[] = [];
  answer: (id: string) => unknown = () => {};

  async #receive(notices: Notice[]): Promise<{ ok: true }> {
    this.callSizes.push(notices.length);
    for (const { id } of notices) {
      await this.answer(id!);
      this.receivedAt.set(id!, [...(this.receivedAt.get(id!) ?? []), Date.now()]);
    }
    return { ok: true };
  }

  get services(): ServiceSchema[] {
    const send = ({ params }: { params: Notice }) => this.#receive([params]);
    const notifyAll = ({ params }: { params: { notices: Notice[] } }) =>
      this.#receive(params.notices);
    return [
      { name: "notifications", actions: { notify: send, notifyAll } },
      { name: "mails", actions: { send } },
      { name: "reminders", actions: { send } },
    ];
  }
}

const inMs = (ms: number) => new Date(Date.now() + ms);

/** `open` opens the store of one node; nodes share the documents. */
export function outboxKindsPromises(nodeCount: number, open: () => Promise<Open>): void {
  let nodes: Orders[];
  const receivers = new Receivers();

  beforeAll(async () => {
    const { orders } = await import("./orders.service.ts");
    const openStore = await open();
    const brokers = Array.from({ length: nodeCount }, () => new ServiceBroker({ logger: false }));
    nodes = brokers.map((broker) => broker.createService(orders(openStore)) as Orders);
    for (const broker of brokers)
      for (const service of receivers.services) broker.createService(service);
    await Promise.all(brokers.map((broker) => broker.start()));
    await eventually(() => node().store.ping(), { within: 30_000 });
  });
  beforeEach(() => {
    Object.assign(receivers, { receivedAt: new Map(), callSizes: [], answer: () => {} });
  });
  afterAll(() => Promise.all(nodes.map(({ broker }) => broker.stop())), 60_000);

  const node = () => nodes[0]!;
  const newOrder = (outbox: Outbox<Kind>): OrderDocument => ({
    _id: randomUUID(),
    isPaid: false,
    outbox,
  });
  /** Stores an order with its outbox in one write, and delivers due entries. */
  const place = async (due: DueTimes<Kind>) => {
    const order = await node().store.insert(newOrder(node().enqueue(due)));
    node().deliver(node().broker as never, order);
    return order._id;
  };
  const outboxOfOrder = async (id: string) => (await node().store.one({ _id: id }))!.outbox!;
  const stateOf = async (id: string, kind: Kind) => (await outboxOfOrder(id)).entries[kind]?.state;
  const isDelivered = async (id: string, kind: Kind) => (await stateOf(id, kind)) === "delivered";
  const timesOf = (id: string, kind: Kind) => receivers.receivedAt.get(`${id}-${kind}`) ?? [];

  it("one write enqueues all kinds, and each is delivered at its due time to its action", async () => {
    const mailDue = inMs(2_000);
    const id = await place({ notice: inMs(0), mail: mailDue });
    const states = Object.keys((await outboxOfOrder(id)).entries);
    expect(states).toEqual(["notice", "mail"]);

    await eventually(() => isDelivered(id, "notice"));
    expect(timesOf(id, "mail")).toEqual([]);
    await eventually(() => isDelivered(id, "mail"), { within: 20_000 });

    expect(timesOf(id, "notice")).toHaveLength(1);
    expect(timesOf(id, "mail")).toHaveLength(1);
    expect(timesOf(id, "mail")[0]).toBeGreaterThanOrEqual(mailDue.getTime());
    expect(await outboxOfOrder(id)).toEqual({
      version: 1,
      entries: {
        notice: { state: "delivered", attempts: 0 },
        mail: { state: "delivered", attempts: 0 },
      },
    });
  });

  it("an entry whose condition holds when it falls due is cancelled and not delivered", async () => {
    const due = { notice: inMs(0), reminder: inMs(1_000) };
    const [paid, unpaid] = [await place(due), await place(due)];
    await node().store.change({ _id: paid }, { $set: { isPaid: true } });

    await eventually(() => isDelivered(unpaid, "reminder"), { within: 20_000 });
    await eventually(async () => (await stateOf(paid, "reminder")) === "cancelled", {
      within: 20_000,
    });

    expect(timesOf(paid, "reminder")).toEqual([]);
    expect(await outboxOfOrder(paid)).not.toHaveProperty("dueAt");
  });

  it("a refused entry is listed and replayed, and its sibling is delivered", async () => {
    receivers.answer = (id) => {
      if (id.endsWith("-mail")) throw refusal("BAD_DATA", "has no address");
    };
    const id = await place({ notice: inMs(0), mail: inMs(0), reminder: inMs(3_600_000) });

    await eventually(() => isDelivered(id, "notice"));
    await eventually(async () => (await stateOf(id, "mail")) === "refused");
    const listed = await node().listEntries({ state: "refused" });
    expect(listed).toMatchObject({
      count: 1,
      entries: [{ id, kind: "mail", attempts: 1, reason: "has no address" }],
    });
    receivers.answer = () => {};
    expect(await node().replayEntries(id)).toEqual({ replayed: 1 });

    await eventually(() => isDelivered(id, "mail"));
    expect(await node().listEntries({ state: "refused" })).toMatchObject({ count: 0, entries: [] });
    expect((await outboxOfOrder(id)).entries.reminder?.state).toBe("pending");
    expect(await outboxOfOrder(id)).not.toHaveProperty("refusedAt");
  });

  it("an entry that is enqueued during a lease is delivered", async () => {
    const { opened, open, waiting } = gate();
    receivers.answer = (id) => (id.endsWith("-notice") ? opened() : undefined);
    const id = await place({ notice: inMs(0) });
    await eventually(() => waiting() > 0);

    const update = node().withEntries({ $set: { isPaid: true } }, { mail: inMs(0) });
    const order = (await node().store.change({ _id: id }, update))!;
    node().deliver(node().broker as never, order);
    open();

    await eventually(() => isDelivered(id, "mail"), { within: 20_000 });
    await eventually(() => isDelivered(id, "notice"), { within: 20_000 });
    expect(await outboxOfOrder(id)).not.toHaveProperty("dueAt");
  });

  it("a mark that does not know an added entry changes no entry and gives up the lease", async () => {
    const leases = new Leases(node().store, node().logger);
    const found = newOrder(newOutbox({ notice: inMs(60_000) }));
    await node().store.insert(found);
    const later = inMs(120_000);
    await node().store.change({ _id: found._id }, node().withEntries({}, { mail: later }));
    // The claim comes after the added entry, and the document was read before it.
    const claim = randomUUID();
    const leaseEnd = inMs(900_000).toISOString();
    const lease = { "outbox.claim": claim, "outbox.dueAt": leaseEnd };
    await node().store.change({ _id: found._id }, { $set: lease });

    await leases.mark(leases.direct(claim, found), [{ notice: { state: "delivered" } }]);

    const { entries } = await outboxOfOrder(found._id);
    expect([entries.notice?.state, entries.mail?.state]).toEqual(["pending", "pending"]);
    // The lease is given up, and the relay restores the due time of the entries.
    await eventually(async () => {
      const { dueAt, claim: current } = await outboxOfOrder(found._id);
      expect([dueAt, current]).toEqual([entries.notice?.dueAt, undefined]);
    });
    await node().store.remove({ _id: found._id });
  });

  it("a claim reads again what was found long ago: another node has delivered from it since", async () => {
    const leases = new Leases(node().store, node().logger);
    const found = newOrder(newOutbox({ mail: inMs(-1) }));
    await node().store.insert({ ...found, outbox: { ...found.outbox!, entries: {} } });
    const at = performance.now();

    const fresh = await leases.claim({ documents: [found], at });
    await node().store.change(
      { _id: found._id },
      { $set: { "outbox.dueAt": inMs(-1).toISOString() } },
    );
    const old = await leases.claim({ documents: [found], at: at - 60_000 });

    // The first may be claimed by the relay. It delivers nothing, because there is no entry.
    expect(fresh.documents.map(({ outbox }) => outbox?.entries.mail?.state)).not.toContain(
      undefined,
    );
    expect(old.documents.map(({ outbox }) => outbox?.entries.mail?.state)).not.toContain("pending");
    await node().store.remove({ _id: found._id });
  });

  it("an entry and a lease that a clock three hours ahead wrote are due at once, and a later one keeps its wait", async () => {
    const ahead = inMs(3 * 3_600_000);
    const inADay = (from: Date) => new Date(from.getTime() + 24 * 3_600_000);
    const due = { notice: ahead, reminder: inADay(ahead) };
    const { _id: id } = await node().store.insert(
      newOrder(newOutbox(due, { claim: randomUUID(), now: ahead })),
    );
    const right = { reminder: inADay(new Date()) };
    const { _id: scheduled } = await node().store.insert(
      newOrder(newOutbox(right, undefined, new Date())),
    );

    await eventually(() => isDelivered(id, "notice"), { within: 20_000 });

    const dueAt = Date.parse((await outboxOfOrder(id)).entries.reminder!.dueAt!);
    expect(dueAt).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    expect(dueAt).toBeLessThan(Date.now() + 25 * 3_600_000);
    expect((await outboxOfOrder(scheduled)).entries.reminder).toMatchObject({
      state: "pending",
      dueAt: right.reminder.toISOString(),
    });
    for (const _id of [id, scheduled]) await node().store.remove({ _id });
  });

  it("one write marks all documents of a lease whose outboxes become equal", async () => {
    const due = newOutbox({ notice: inMs(60_000) }, { claim: "c", now: new Date() });
    const documents = await Promise.all(
      Array.from({ length: 5 }, () => node().store.insert(newOrder(due))),
    );
    const { changeMany } = node().store;
    const counts: number[] = [];
    const counting: Store<OrderDocument> = {
      ...node().store,
      changeMany: async (query, update) => {
        const count = await changeMany(query, update);
        counts.push(count);
        return count;
      },
    };
    const [delivered, refused] = [{ state: "delivered" }, { state: "refused", reason: "no" }];
    const outcomes = [delivered, refused, delivered, refused, delivered] as const;

    const lease = { claim: "c", documents, startBy: 0 };
    await new Leases(counting, node().logger).mark(
      lease,
      outcomes.map((notice) => ({ notice }) as Outcomes),
    );

    expect(counts.toSorted()).toEqual([2, 3]);
    expect(await Promise.all(documents.map(({ _id }) => stateOf(_id, "notice")))).toEqual(
      outcomes.map(({ state }) => state),
    );
    for (const { _id } of documents) await node().store.remove({ _id });
  });

  it("a replay neither counts nor loses a dead letter of a kind that only another version knows", async () => {
    const refusedAt = new Date().toISOString();
    const order = newOrder(newOutbox({}));
    await node().store.insert(order);
    const unknown = { state: "refused", attempts: 1, refusedAt, reason: "unknown here" };
    const fields = { "outbox.refusedAt": refusedAt, "outbox.entries.letter": unknown };
    await node().store.change({ _id: order._id }, { $set: fields });

    expect(await node().replayEntries()).toEqual({ replayed: 0 });
    expect(await node().listEntries({ state: "refused" })).toMatchObject({ count: 0, entries: [] });
    expect(await outboxOfOrder(order._id)).toMatchObject({
      refusedAt,
      entries: { letter: unknown },
    });
    await node().store.remove({ _id: order._id });
  });

  it("another node delivers the remaining entries when the holder of a lease has died", async () => {
    const leaseEnds = inMs(1_500);
    const order = newOrder({
      version: 1,
      dueAt: leaseEnds.toISOString(),
      claim: randomUUID(),
      entries: {
        ...newOutbox({ mail: inMs(-1_000), reminder: inMs(-500) }).entries,
        notice: { state: "delivered", attempts: 0 },
      },
    });
    await node().store.insert(order);

    await eventually(() => isDelivered(order._id, "mail"), { within: 20_000 });
    await eventually(() => isDelivered(order._id, "reminder"), { within: 20_000 });

    expect(timesOf(order._id, "notice")).toEqual([]);
    for (const kind of ["mail", "reminder"] as const) {
      expect(timesOf(order._id, kind)).toHaveLength(1);
      expect(timesOf(order._id, kind)[0]).toBeGreaterThanOrEqual(leaseEnds.getTime());
    }
  });

  it("an outage of one receiver holds up no other kind, and its entries follow when it recovers", async () => {
    receivers.answer = (id) => {
      if (id.endsWith("-mail")) throw refusal("UNAVAILABLE");
    };
    const placed = await Promise.all(
      Array.from({ length: 30 }, () => place({ notice: inMs(0), mail: inMs(0) })),
    );
    const areDelivered = async (kind: Kind) => {
      for (const id of placed) if (!(await isDelivered(id, kind))) return false;
      return true;
    };

    await eventually(() => areDelivered("notice"), { within: 20_000 });
    const later = await place({ notice: inMs(0) });
    await eventually(() => isDelivered(later, "notice"));
    expect((await node().listEntries({ state: "pending" })).count).toBeGreaterThanOrEqual(30);
    receivers.answer = () => {};

    await eventually(() => areDelivered("mail"), { within: 20_000 });
  });

  it("entries of one kind that are due at once are delivered in calls of up to a hundred", async () => {
    const due = newOutbox({ notice: inMs(0) });
    const backlog = Array.from({ length: 250 }, () => newOrder(due));

    await Promise.all(backlog.map((order) => node().store.insert(order)));

    const ids = backlog.map(({ _id }) => _id);
    await eventually(
      async () =>
        (await node().store.count({
          _id: { $in: ids },
          "outbox.entries.notice.state": "delivered",
        })) === 250,
      { within: 20_000 },
    );
    expect(Math.max(...receivers.callSizes)).toBeGreaterThan(1);
    expect(Math.max(...receivers.callSizes)).toBeLessThanOrEqual(100);
  });
}
