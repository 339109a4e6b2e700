/** The promises of the outbox, kept on every fabric. */
import { randomUUID } from "node:crypto";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { Errors, type Service } from "moleculer";
import pLimit from "p-limit";
import type { MongoStore } from "../../store/mongo.ts";
import type { Store } from "../../store/store.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { ListedEntry } from "../../contracts/outbox.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";
import { refusal } from "../../broker/refusal.ts";
import { SERVER_START } from "../../bin/processes/servers.ts";
import { eventually as poll } from "../../bin/processes/eventually.ts";
import type { RecordingReceiver } from "./recording-receiver.ts";
import { Leases } from "../../outbox/leases.ts";
import { runningTime } from "./running-time.ts";

/** Polls for up to 25 s: these promises depend on no speed. */
const eventually: typeof poll = (check, options) => poll(check, { within: 25_000, ...options });

export interface Market extends Service {
  store: Store<ItemDocument>;
  adapter: { insert(item: ItemDocument): Promise<unknown>; collection?: MongoStore["collection"] };
}

export interface Fabric {
  receiver: RecordingReceiver;
  /** The market on each of its nodes. A `start` replaces them. */
  markets: Market[];
  /** Inserts directly into the store. */
  fill(items: ItemDocument[]): Promise<void>;
  /** Makes the receiver available or unavailable to all market nodes. */
  appear(): Promise<void>;
  vanish(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  end(): Promise<void>;
}

const forSale = (sellerId: string = randomUUID(), now = new Date()) =>
  offered({ title: "Tea tray", price: 4500 }, { id: randomUUID(), sellerId, currency: "EUR", now });

/** An item that was sold some time ago (ms), with a pending notice. */
function soldItem(sellerId: string, agoMs = 60_000): ItemDocument {
  const at = new Date(Date.now() - agoMs);
  return {
    ...forSale(sellerId, at),
    ...sold("bob", randomUUID(), at, newOutbox({ notice: at })).$set,
  };
}
const many = <T>(count: number, make: (n: number) => T) =>
  Array.from({ length: count }, (_, n) => make(n));
const salesOf = (items: ItemDocument[]) => items.map(({ saleId }) => saleId!);

/** `minBacklog` entries make a backlog. BACKLOG in the environment makes it larger. */
export function outboxPromises(open: () => Promise<Fabric>, minBacklog: number): void {
  const backlog = Number(process.env.BACKLOG || minBacklog);
  let fabric: Fabric;
  let receiver: RecordingReceiver;

  beforeAll(async () => {
    fabric = await open();
    receiver = fabric.receiver;
    await fabric.start();
  }, SERVER_START);
  beforeEach(async () => {
    receiver.reset();
    await fabric.appear();
  });
  afterAll(() => fabric?.end(), 60_000);

  const store = () => fabric.markets[0]!.store;
  const call = <T>(action: string, params: object, meta = {}) =>
    fabric.markets[0]!.broker.call<T, object>(action, params, { meta });
  const itemsOf = (items: ItemDocument[]) =>
    store().find({ _id: { $in: items.map(({ _id }) => _id) } });
  const entryOf = async (id: string) => (await store().one({ _id: id }))!.outbox!.entries.notice!;
  const entriesOf = async (items: ItemDocument[]) =>
    (await itemsOf(items)).map(({ outbox }) => outbox!.entries.notice!);
  const statesOf = async (items: ItemDocument[]) =>
    new Set((await entriesOf(items)).map(({ state }) => state));
  const areDelivered = async (items: ItemDocument[]) =>
    expect(await statesOf(items)).toEqual(new Set(["delivered"]));
  const listed = (state: string, limit = 100) =>
    call<{ count: number; entries: ListedEntry[] }>("market.outbox", { state, limit });
  /** Buys each item for a new buyer, on all nodes in turn. Returns the ids of the sales. */
  const buyAll = (items: ItemDocument[]) =>
    buyers.map(items, ({ _id: id }, n) => {
      const { broker } = fabric.markets[n % fabric.markets.length]!;
      const meta = { user: { id: randomUUID() } };
      // A busy database may answer too late. A repeated buy returns the same sale.
      return eventually(
        async () =>
          (await broker.call<{ saleId: string }, object>("market.buy", { id }, { meta })).saleId,
      );
    });
  const buyers = pLimit(100);
  const offer = async (count: number) => {
    const items = many(count, () => forSale());
    await fabric.fill(items);
    return items;
  };
  /** Stores sold items with pending notices. `before` runs when the sales are known and not yet stored. */
  const sell = async (count: number, before = (_sales: string[]) => {}) => {
    const sellerId = randomUUID();
    const items = many(count, (n) => soldItem(sellerId, 3_600_000 - n));
    before(salesOf(items));
    await fabric.fill(items);
    return items;
  };

  describe("without faults", () => {
    it("the notice of a sale is delivered once and at once, and leaves no index entry", async () => {
      const items = await offer(200);

      const sales = await buyAll(items);

      await eventually(() => areDelivered(items));
      expect(receiver.tally(sales)).toEqual({ 1: 200 });
      for (const { outbox } of await itemsOf(items))
        expect(outbox).toEqual({
          version: 1,
          entries: { notice: { state: "delivered", attempts: 0 } },
        });
    });

    it("the notice has the id of the sale and the trace of the buy", async () => {
      const [{ _id: id }] = (await offer(1)) as [ItemDocument];
      const requestID = randomUUID();

      const bought = { meta: { user: { id: "bob" } }, requestID };
      const { saleId } = await fabric.markets[0]!.broker.call<{ saleId: string }, object>(
        "market.buy",
        { id },
        bought,
      );

      await eventually(() => expect(receiver.traces.get(saleId)).toBe(requestID));
    });

    it("a backlog is delivered once, whichever market node delivers it", async () => {
      const items = await sell(2_000);

      await eventually(() => areDelivered(items), { within: 100_000 });

      expect(receiver.tally(salesOf(items))).toEqual({ 1: 2_000 });
    });

    it("documents that two nodes claim at once belong to one of them", async () => {
      await fabric.vanish();
      const items = await sell(150);
      const [one, two] = [fabric.markets[0]!, fabric.markets.at(-1)!].map(
        (market) => new Leases(market.store, market.logger),
      );

      const leases = await Promise.all([
        one!.claim({ documents: items.slice(0, 100), at: performance.now() }),
        two!.claim({ documents: items.slice(50), at: performance.now() }),
      ]);

      const claimed = leases.flatMap(({ documents }) => documents.map(({ _id }) => _id));
      expect(claimed.sort()).toEqual(items.map(({ _id }) => _id).sort());
      // Releases the leases: no entry was tried.
      await Promise.all(
        leases.map((lease) =>
          one!.mark(
            lease,
            lease.documents.map(() => ({})),
          ),
        ),
      );
      await fabric.appear();
      await eventually(() => areDelivered(items));
    });

    it("the entry of a node that died is delivered when its lease ends, and not before", async () => {
      const [alive] = await offer(1);
      const leaseEnds = new Date(Date.now() + 1500).toISOString();
      const item = soldItem(randomUUID());
      await fabric.fill([
        {
          ...item,
          outbox: { ...item.outbox!, dueAt: leaseEnds, claim: randomUUID() },
        },
      ]);

      const [marker] = await buyAll([alive!]);
      await eventually(() => expect(receiver.accepted).toContain(marker));
      expect(receiver.accepted).not.toContain(item.saleId);

      await eventually(() => expect(receiver.accepted).toContain(item.saleId));
      expect(new Date().toISOString() >= leaseEnds).toBe(true);
    });
  });

  describe("while the receiver is unavailable", () => {
    it("sales continue, nothing is claimed, and all is delivered once when the receiver appears", async () => {
      await fabric.vanish();
      const [left, items] = [await sell(20), await offer(100)];

      await buyAll(items);
      await eventually(async () => expect((await listed("pending")).count).toBe(120));
      const sales = await itemsOf(items);
      const untouched = await itemsOf(left);
      await fabric.appear();

      await eventually(() => areDelivered([...left, ...items]), { within: 20_000 });
      // As the sale itself wrote them: due at once, without a second write.
      for (const { outbox, soldAt } of sales) {
        const dueAt = outbox!.dueAt!;
        // Sales that follow each other faster than 1 ms get instants up to 1 s ahead.
        expect(Date.parse(soldAt!) - Date.parse(dueAt)).toBeLessThanOrEqual(1_000);
        expect(outbox).toEqual({
          version: 1,
          dueAt,
          entries: { notice: { state: "pending", attempts: 0, dueAt } },
        });
      }
      expect(untouched).toEqual(expect.arrayContaining(left));
      for (const { attempts } of await entriesOf([...left, ...items])) expect(attempts).toBe(0);
      expect(receiver.tally(salesOf(sales))).toEqual({ 1: 100 });
    });
  });

  describe("while the receiver accepts nothing", () => {
    it.each([
      ["its database is unavailable", () => refusal("UNAVAILABLE")],
      [
        "it answers too late",
        () => new Errors.RequestTimeoutError({ action: "notifications.notify", nodeID: "n" }),
      ],
      ["it is overloaded", () => refusal("TOO_MANY_REQUESTS")],
      [
        "its last node has just gone",
        () => new Errors.ServiceNotAvailableError({ action: "notifications.notify", nodeID: "n" }),
      ],
      [
        "its queue is full",
        () =>
          new Errors.QueueIsFullError({
            action: "notifications.notify",
            nodeID: "n",
            size: 1,
            limit: 1,
          }),
      ],
    ])(
      "because %s, one entry at a time probes it, one line says so, and the rest follow when it recovers",
      async (_why, error) => {
        const warned = linesOf(fabric, "warn");
        receiver.answer = async () => {
          await turn();
          throw error();
        };
        const items = await offer(100);
        const left = await sell(400);
        const sales = await buyAll(items);
        // The first concurrent calls end. After them, each node probes with one call.
        await eventually(
          async () => {
            Object.assign(receiver, { called: [], maxInFlight: receiver.inFlight });
            await eventually(() => receiver.called.length >= 5, { within: 10_000 });
            expect(receiver.maxInFlight).toBeLessThanOrEqual(fabric.markets.length);
          },
          { within: 10_000 },
        );
        expect((await listed("refused")).count).toBe(0);
        // Of several nodes, those that meet the outage say so.
        expect(warned.length).toBeLessThanOrEqual(fabric.markets.length);
        const isAlone = fabric.markets.length === 1;
        expect(isAlone ? warned : warned.slice(0, 1)).toEqual(
          isAlone || warned.length > 0 ? [expect.stringMatching(/^Entries \(notice\) wait/)] : [],
        );

        receiver.reset();

        await eventually(() => receiver.accepted.length > 100, { within: 20_000 });
        await eventually(() => areDelivered([...items, ...left]));
        expect(receiver.accepted).toEqual(expect.arrayContaining(sales));
      },
    );
  });

  describe("an entry that", () => {
    const failing = (ids: string[], error: () => Error) => {
      receiver.answer = ({ id }) => {
        if (ids.includes(id!)) throw error();
      };
    };

    it("fails for a reason of its own is retried with backoff, and delays no other", async () => {
      const logged = errorsOf(fabric);
      const items = await sell(50, ([bad]) => failing([bad!], () => new Error("out of paper")));

      await eventually(() => areDelivered(items.slice(1)));
      await eventually(
        async () => expect((await entryOf(items[0]!._id)).attempts).toBeGreaterThanOrEqual(3),
        { within: 10_000 },
      );
      receiver.reset();

      await eventually(() => areDelivered(items), { within: 10_000 });
      expect(logged.filter((line) => line.includes(items[0]!._id))).toEqual([
        expect.stringContaining("out of paper"),
      ]);
    });

    it("times out at every attempt delays no other, of the same seller or of another", async () => {
      const late = () =>
        new Errors.RequestTimeoutError({ action: "notifications.notify", nodeID: "n" });
      const [one, two] = [await sell(30, ([bad]) => failing([bad!], late)), await sell(30)];
      await eventually(() => areDelivered([...one.slice(1), ...two]));
      const later = await offer(30);
      await buyAll(later);
      await eventually(() => areDelivered(later));
      expect((await entryOf(one[0]!._id)).state).toBe("pending");
      receiver.reset();
      await eventually(() => areDelivered(one), { within: 20_000 });
    });

    it("is refused is a dead letter: logged once, counted, listed, not retried, and delivered after a replay", async () => {
      const logged = errorsOf(fabric);
      const items = await sell(3, (sales) =>
        failing(sales.slice(0, 2), () => refusal("BAD_DATA", "data is too large")),
      );
      const [first, second, third] = salesOf(items);

      await eventually(() => areDelivered(items.slice(2)));
      await eventually(async () => expect((await listed("refused")).count).toBe(2));
      const { entries } = await listed("refused");
      expect(entries).toEqual(
        expect.arrayContaining(
          items.slice(0, 2).map(({ _id: id }) => ({
            id,
            kind: "notice",
            state: "refused",
            attempts: 1,
            refusedAt: expect.any(String),
            reason: "data is too large",
          })),
        ),
      );
      // In the batch, and then in a separate call.
      const calls = receiver.tally([first!, second!, third!]);
      expect(Math.max(...Object.keys(calls).map(Number))).toBeLessThanOrEqual(2);
      const [marker] = await buyAll(await offer(1));
      await eventually(() => expect(receiver.accepted).toContain(marker));
      expect(receiver.tally([first!, second!, third!])).toEqual(calls);

      receiver.reset();
      expect(await call("market.replay", { id: items[0]!._id })).toEqual({ replayed: 1 });
      await eventually(() => areDelivered(items.slice(0, 1)), { within: 20_000 });
      expect((await listed("refused")).entries.map(({ id }) => id)).toEqual([items[1]!._id]);
      expect(await call("market.replay", {})).toEqual({ replayed: 1 });
      await eventually(() => areDelivered(items));
      expect(await listed("refused")).toEqual({ count: 0, entries: [], nextCursor: null });
      for (const { _id } of items.slice(0, 2))
        expect(logged.filter((line) => line.includes(_id))).toHaveLength(1);
      await expect(call("market.replay", { id: items[0]!._id })).rejects.toMatchObject({
        type: "BAD_DATA",
      });
    });

    it("is incomplete or of an incomplete document stops no other: it is delivered, or logged and listed", async () => {
      const logged = errorsOf(fabric);
      const seller = randomUUID();
      const [old, noSale, noBuyer, noAttempts, noUser, good] = many(6, (n) =>
        soldItem(seller, 120_000 - n),
      );
      const unknownKind = soldItem(seller);
      const noEntries = soldItem(seller);
      const broken = [
        without(old!, "v", "currency", "words"),
        without(noSale!, "saleId"),
        without(noBuyer!, "buyerId"),
        withOutbox(noAttempts!, { entries: { notice: { state: "pending" } } }),
        { ...noUser!, sellerId: "no such user!" },
        soldItem("a-seller-who-has-gone"),
        withOutbox(unknownKind, { entries: { ...unknownKind.outbox!.entries, fax: pendingSince } }),
        withOutbox(noEntries, { entries: undefined }),
      ];
      await fabric.fill([...broken, good!]);

      await eventually(() => areDelivered([broken[0]!, broken[3]!, broken[5]!, broken[6]!, good!]));
      await eventually(async () =>
        expect((await store().one({ _id: noEntries._id }))!.outbox).not.toHaveProperty("dueAt"),
      );

      const set = [noSale!, noBuyer!].map(({ _id }) => _id);
      await eventually(async () => {
        const retried = (await listed("pending")).entries.filter(({ id }) => set.includes(id));
        expect(retried.map(({ attempts }) => attempts > 0)).toEqual([true, true]);
      });
      for (const id of set) expect(logged.filter((line) => line.includes(id))).toHaveLength(1);
      expect((await listed("refused")).entries.map(({ id }) => id)).toEqual([noUser!._id]);
      // After a correction in the database, everything is delivered.
      for (const { _id } of [noSale!, noBuyer!, noUser!])
        await store().change(
          { _id },
          { $set: { saleId: randomUUID(), buyerId: "bob", sellerId: seller } },
        );
      await call("market.replay", { id: noUser!._id });
      await eventually(() => areDelivered([noSale!, noBuyer!, noUser!]), { within: 15_000 });
    });
  });

  describe("a backlog", () => {
    it("of one seller is delivered oldest first, delays neither other sellers' notices nor sales, and takes few calls at a time", async () => {
      const toSell = await offer(1_000);
      const saleRate = await rateOf(1_000, () => buyAll(toSell));
      await eventually(() => areDelivered(toSell));
      await fabric.vanish();
      const [large, items] = [await sell(backlog), await offer(50)];
      receiver.reset();
      // Slow enough that the backlog lasts until the others are due, on a fast machine too.
      const ofLarge = new Set<string | undefined>(salesOf(large));
      receiver.answer = ({ id }) => ofLarge.has(id) && pause(200);
      const began = performance.now();
      await fabric.appear();
      await eventually(() => receiver.accepted.length > 500, { within: 20_000, every: 5 });

      // During the backlog, entries of other sellers become due, and other items are sold.
      const others = many(20, () => soldItem(randomUUID(), 0));
      await fabric.fill(others);
      const added = performance.now();
      const ofOthers = new Set(salesOf(others));
      const areAccepted = () => receiver.accepted.filter((id) => ofOthers.has(id)).length === 20;
      const accepted = eventually(areAccepted, { within: 60_000, every: 5 }).then(
        () => performance.now() - added,
      );
      let slowest = 0;
      for (const item of items) {
        const asked = runningTime();
        await buyAll([item]);
        slowest = Math.max(slowest, runningTime() - asked);
      }
      const delay = await accepted;
      receiver.answer = () => {};
      await eventually(() => receiver.accepted.length >= backlog + 70, {
        within: 600_000,
        every: 10,
      });
      const took = performance.now() - began;
      const lastOfOthers = receiver.accepted.findLastIndex((id) => ofOthers.has(id));
      const left = receiver.accepted.slice(lastOfOthers).filter((id) => ofLarge.has(id)).length;

      console.log(
        `${saleRate} sales/s; ${backlog} entries, ${Math.round((backlog / took) * 1000)}/s delivered; other sellers' notices after ${Math.round(delay)} ms, buys within ${Math.round(slowest)} ms; ${left} left at that time; calls at once: ${receiver.maxInFlight}`,
      );
      expect(left).toBeGreaterThan(0);
      expect(slowest).toBeLessThan(10_000);
      // The buys come one after another.
      expect(receiver.maxInFlight).toBeLessThanOrEqual(5 * fabric.markets.length + 1);
      expect(receiver.tally(salesOf(large))).toEqual({ 1: backlog });
      const position = new Map(receiver.accepted.map((id, n) => [id, n]));
      // Each node delivers five hundred at a time, so few are out of order.
      const ahead = salesOf(large).map((id, n) => Math.abs(position.get(id)! - n));
      expect(Math.max(...ahead)).toBeLessThan(1_500);
    }, 900_000);

    it("takes no more calls at a time when some of it cannot be claimed", async () => {
      receiver.answer = () => pause(700);
      let claims = 0;
      const restores = fabric.markets.map(({ store }) => {
        const { changeMany } = store;
        store.changeMany = async (query, update) => {
          const isClaim = "outbox.claim" in (update.$set as object);
          if (isClaim && ++claims % 3 === 0) throw refusal("UNAVAILABLE");
          return changeMany(query, update);
        };
        return () => (store.changeMany = changeMany);
      });
      const items = await sell(2_500);

      await eventually(() => areDelivered(items), { within: 100_000 });

      for (const restore of restores) restore();
      expect(claims).toBeGreaterThan(25);
      expect(receiver.maxInFlight).toBeLessThanOrEqual(5 * fabric.markets.length);
    });

    it("of sales made faster than they are delivered is bounded in calls, and delivered once the receiver answers", async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      receiver.answer = () => gate;
      const items = await offer(1_000);

      const began = performance.now();
      const sales = await buyAll(items);
      const most = receiver.maxInFlight;
      open();
      // A call that the gate holds for longer than its time limit of 5 s is given up, and its sale delivered again.
      const isInTime = performance.now() - began < 4_000;

      await eventually(() => receiver.accepted.length >= 900, { within: 20_000 });
      // The entry of a buy that the database answered too late is delivered when its lease ends.
      await eventually(() => areDelivered(items), { within: 20_000 });
      expect(most).toBeLessThanOrEqual((100 + 5) * fabric.markets.length);
      const tally = receiver.tally(sales);
      if (isInTime) expect(tally).toEqual({ 1: 1_000 });
      else expect(tally).not.toHaveProperty("0");
    });
  });

  describe("a node that stops", () => {
    it("waits for the answers to its calls, and leaves nothing claimed", async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      receiver.answer = () => gate;
      const [items, left] = [await offer(10), await sell(300)];
      await buyAll(items);
      await eventually(() => receiver.called.length >= 10 + 16 && receiver.inFlight > 10);

      // The answers arrive long after the stop has begun.
      setTimeout(open, 1000);
      await fabric.stop();
      receiver.answer = () => {};
      const before = new Set(receiver.accepted);
      await fabric.start();
      await fabric.appear();

      await eventually(() => areDelivered([...items, ...left]), { within: 20_000 });
      expect(before.size).toBeGreaterThanOrEqual(26);
      expect(receiver.tally([...before])).toEqual({ 1: before.size });
    });

    it("waits no longer than 2 s for calls without an answer", async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      receiver.answer = () => gate;
      const items = await offer(5);
      await buyAll(items);
      await eventually(() => receiver.inFlight >= 5);

      const began = runningTime();
      await Promise.all(fabric.markets.map((market) => market.broker.destroyService(market)));
      const took = runningTime() - began;
      open();
      await fabric.stop();
      await fabric.start();

      expect(took).toBeGreaterThan(500);
      expect(took).toBeLessThan(4000);
    });
  });
}

/** Calls per second. */
async function rateOf(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round((count / (performance.now() - began)) * 1000);
}

const pendingSince = { state: "pending", attempts: 0, dueAt: new Date(0).toISOString() };
const withOutbox = (item: ItemDocument, change: object) =>
  ({ ...item, outbox: { ...item.outbox, ...change } }) as ItemDocument;
const without = (item: ItemDocument, ...fields: (keyof ItemDocument)[]) =>
  Object.fromEntries(
    Object.entries(item).filter(([field]) => !fields.includes(field as never)),
  ) as unknown as ItemDocument;

/** The error lines that the market nodes log from now on. */
const errorsOf = (fabric: Fabric) => linesOf(fabric, "error");

function linesOf({ markets }: Fabric, level: "error" | "warn"): string[] {
  const lines: string[] = [];
  for (const { logger } of markets) logger[level] = (line: string) => void lines.push(line);
  return lines;
}
