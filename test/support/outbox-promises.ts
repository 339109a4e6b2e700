/** What holds of debts, on every fabric. */
import { randomUUID } from "node:crypto";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { Errors, type Service } from "moleculer";
import pLimit from "p-limit";
import type { MongoStore } from "../../store/mongo.ts";
import type { Store } from "../../store/store.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { Owed } from "../../contracts/outbox.ts";
import { leaseMs, newDebt } from "../../domain/outbox.ts";
import { offered } from "../../domain/offer.ts";
import { sold } from "../../domain/sale.ts";
import { refusal } from "../../broker/refusal.ts";
import { SERVER_START } from "../../bin/processes/servers.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Listener } from "./listener.ts";

export interface Market extends Service {
  store: Store<ItemDocument>;
  adapter: { insert(item: ItemDocument): Promise<unknown>; collection?: MongoStore["collection"] };
  claim(found: ItemDocument[]): Promise<ItemDocument[]>;
  release(id: string): Promise<void>;
}

export interface Fabric {
  listener: Listener;
  /** The market on each of its nodes; others after a `start`. */
  markets: Market[];
  /** Straight into the store. */
  fill(items: ItemDocument[]): Promise<void>;
  /** Whoever is to be told comes into the sight of all market nodes, or goes. */
  appear(): Promise<void>;
  vanish(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  end(): Promise<void>;
}

const forSale = (sellerId: string = randomUUID(), now = new Date()) =>
  offered({ title: "Tea tray", price: 4500 }, { id: randomUUID(), sellerId, currency: "EUR", now });

/** A sold item whose seller has not been told; it was sold so long ago (ms). */
function owing(sellerId: string, ago = 60_000): ItemDocument {
  const at = new Date(Date.now() - ago);
  return {
    ...forSale(sellerId, at),
    ...(sold("bob", randomUUID(), at, newDebt(at)).$set as Partial<ItemDocument>),
  };
}
const many = <T>(count: number, make: (n: number) => T) =>
  Array.from({ length: count }, (_, n) => make(n));
const salesOf = (items: ItemDocument[]) => items.map(({ saleId }) => saleId!);

/** The least of a backlog; DEBTS in the environment makes it larger. */
export function debtPromises(open: () => Promise<Fabric>, least: number): void {
  const backlog = Number(process.env.DEBTS || least);
  let fabric: Fabric;
  let listener: Listener;

  beforeAll(async () => {
    fabric = await open();
    listener = fabric.listener;
    await fabric.start();
  }, SERVER_START);
  beforeEach(async () => {
    listener.reset();
    await fabric.appear();
  });
  afterAll(() => fabric?.end(), 60_000);

  const store = () => fabric.markets[0]!.store;
  const call = <T>(action: string, params: object, meta = {}) =>
    fabric.markets[0]!.broker.call<T, object>(action, params, { meta });
  const debtOf = async (id: string) => (await store().one({ _id: id }))!.notice!;
  const debtsOf = async (items: ItemDocument[]) =>
    (await store().find({ _id: { $in: items.map(({ _id }) => _id) } })).map(
      ({ notice }) => notice!,
    );
  const statesOf = async (items: ItemDocument[]) =>
    new Set((await debtsOf(items)).map(({ state }) => state));
  const areTold = async (items: ItemDocument[]) =>
    expect(await statesOf(items)).toEqual(new Set(["told"]));
  const listed = (state: string, limit = 100) =>
    call<{ count: number; debts: Owed[] }>("market.debts", { state, limit });
  /** Each by a buyer of its own, over all nodes in turn; the ids of the sales. */
  const buyAll = (items: ItemDocument[]) =>
    buyers.map(items, ({ _id: id }, n) => {
      const { broker } = fabric.markets[n % fabric.markets.length]!;
      const meta = { user: { id: randomUUID() } };
      // A busy database may answer too late: whoever asks again gets the sale they made.
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
  /** `before` is done when their ids are known and nobody has seen them. */
  const owe = async (count: number, before = (_sales: string[]) => {}) => {
    const sellerId = randomUUID();
    const items = many(count, (n) => owing(sellerId, 3_600_000 - n));
    before(salesOf(items));
    await fabric.fill(items);
    return items;
  };

  describe("in calm weather", () => {
    it("a sale is told once and at once, and costs its item nothing more", async () => {
      const items = await offer(200);

      const sales = await buyAll(items);

      await eventually(() => areTold(items));
      expect(listener.tally(sales)).toEqual({ 1: 200 });
      for (const debt of await debtsOf(items)) expect(debt).toEqual({ state: "told", attempts: 0 });
    });

    it("a sale is told under its own id, in the trace of its buy", async () => {
      const [{ _id: id }] = (await offer(1)) as [ItemDocument];
      const requestID = randomUUID();

      const bought = { meta: { user: { id: "bob" } }, requestID };
      const { saleId } = await fabric.markets[0]!.broker.call<{ saleId: string }, object>(
        "market.buy",
        { id },
        bought,
      );

      await eventually(() => expect(listener.traces.get(saleId)).toBe(requestID));
    });

    it("a backlog is told once, whoever of the market's nodes tells it", async () => {
      const items = await owe(2_000);

      await eventually(() => areTold(items), { within: 20_000 });

      expect(listener.tally(salesOf(items))).toEqual({ 1: 2_000 });
    });

    it("of debts that two claim at once, each is one's alone", async () => {
      await fabric.vanish();
      const items = await owe(150);
      const [one, two] = [fabric.markets[0]!, fabric.markets.at(-1)!];

      const claims = await Promise.all([
        one.claim(items.slice(0, 100)),
        two.claim(items.slice(50)),
      ]);

      const ids = claims.flat().map(({ _id }) => _id);
      expect(ids.sort()).toEqual(items.map(({ _id }) => _id).sort());
      await Promise.all(ids.map((id) => one.release(id)));
      await fabric.appear();
      await eventually(() => areTold(items));
    });

    it("the debt of a node that died is paid when its lease ends, and not before", async () => {
      const [alive] = await offer(1);
      const leaseEnds = new Date(Date.now() + 1500).toISOString();
      const item = owing(randomUUID());
      await fabric.fill([
        {
          ...item,
          notice: { state: "pending", attempts: 0, dueAt: leaseEnds, claim: randomUUID() },
        },
      ]);

      const [marker] = await buyAll([alive!]);
      await eventually(() => expect(listener.told).toContain(marker));
      expect(listener.told).not.toContain(item.saleId);

      await eventually(() => expect(listener.told).toContain(item.saleId));
      expect(new Date().toISOString() >= leaseEnds).toBe(true);
    });
  });

  describe("while nobody is there to be told", () => {
    it("sales go on, nothing is claimed or backed off, and all is told once when somebody comes", async () => {
      await fabric.vanish();
      const [left, items] = [await owe(20), await offer(100)];

      await buyAll(items);
      await eventually(async () => expect((await listed("pending")).count).toBe(120));
      const unpaid = await store().find({ _id: { $in: items.map(({ _id }) => _id) } });
      const leftAsTheyWere = await debtsOf(left);
      await fabric.appear();

      await eventually(() => areTold([...left, ...items]), { within: 2000 });
      // As the sale itself wrote them: due at once, by no second write.
      for (const { notice, soldAt } of unpaid)
        expect(notice).toEqual({ state: "pending", attempts: 0, dueAt: soldAt });
      expect(new Set(leftAsTheyWere)).toEqual(new Set(left.map(({ notice }) => notice)));
      for (const { attempts } of await debtsOf([...left, ...items])) expect(attempts).toBe(0);
      expect(listener.tally(salesOf(unpaid))).toEqual({ 1: 100 });
    });
  });

  describe("while nobody takes notices", () => {
    it.each([
      ["their database is away", () => refusal("UNAVAILABLE")],
      [
        "they answer too late",
        () => new Errors.RequestTimeoutError({ action: "notifications.notify", nodeID: "n" }),
      ],
      ["they are asked to be spared", () => refusal("TOO_MANY_REQUESTS")],
      [
        "the last of them just went",
        () => new Errors.ServiceNotAvailableError({ action: "notifications.notify", nodeID: "n" }),
      ],
      [
        "their queue is full",
        () =>
          new Errors.QueueIsFullError({
            action: "notifications.notify",
            nodeID: "n",
            size: 1,
            limit: 1,
          }),
      ],
    ])(
      "because %s, a debt at a time asks whether that is over, and within 2 s all others follow",
      async (_why, error) => {
        listener.answer = async () => {
          await turn();
          throw error();
        };
        const items = await offer(100);
        const left = await owe(400);
        const sales = await buyAll(items);
        // The first calls, under way at once, end; from then on each node asks with one.
        await eventually(
          async () => {
            Object.assign(listener, { called: [], most: listener.now });
            await eventually(() => listener.called.length >= 5, { within: 10_000 });
            expect(listener.most).toBeLessThanOrEqual(fabric.markets.length);
          },
          { within: 10_000 },
        );
        expect((await listed("refused")).count).toBe(0);

        listener.reset();

        await eventually(() => listener.told.length > 100, { within: 2000 });
        await eventually(() => areTold([...items, ...left]));
        expect(listener.told).toEqual(expect.arrayContaining(sales));
      },
    );
  });

  describe("a debt that", () => {
    const failing = (ids: string[], error: () => Error) => {
      listener.answer = ({ id }) => {
        if (ids.includes(id!)) throw error();
      };
    };

    it("fails for reasons of its own is tried again and again, less and less often, and delays no other", async () => {
      const logged = errorsOf(fabric);
      const items = await owe(50, ([bad]) => failing([bad!], () => new Error("out of paper")));

      await eventually(() => areTold(items.slice(1)));
      await eventually(
        async () => expect((await debtOf(items[0]!._id)).attempts).toBeGreaterThanOrEqual(3),
        { within: 10_000 },
      );
      listener.reset();

      await eventually(() => areTold(items), { within: 10_000 });
      expect(logged.filter((line) => line.includes(items[0]!._id))).toEqual([
        expect.stringContaining("out of paper"),
      ]);
    });

    it("times out whenever it is tried delays no other, of its own seller's or of another's", async () => {
      const late = () =>
        new Errors.RequestTimeoutError({ action: "notifications.notify", nodeID: "n" });
      const [one, two] = [await owe(30, ([bad]) => failing([bad!], late)), await owe(30)];
      await eventually(() => areTold([...one.slice(1), ...two]));
      const later = await offer(30);
      await buyAll(later);
      await eventually(() => areTold(later));
      expect((await debtOf(one[0]!._id)).state).toBe("pending");
      listener.reset();
      await eventually(() => areTold(one), { within: 20_000 });
    });

    it("is refused is set aside, logged once, counted, listed, never tried again, and told once it is replayed", async () => {
      const logged = errorsOf(fabric);
      const items = await owe(3, (sales) =>
        failing(sales.slice(0, 2), () => refusal("BAD_DATA", "data is too large")),
      );
      const [first, second, third] = salesOf(items);

      await eventually(() => areTold(items.slice(2)));
      await eventually(async () => expect((await listed("refused")).count).toBe(2));
      const { debts } = await listed("refused");
      expect(debts).toEqual(
        expect.arrayContaining(
          items.slice(0, 2).map(({ _id: id }) => ({
            id,
            state: "refused",
            attempts: 1,
            refusedAt: expect.any(String),
            reason: "data is too large",
          })),
        ),
      );
      // Together, and then alone.
      const calls = listener.tally([first!, second!, third!]);
      expect(Math.max(...Object.keys(calls).map(Number))).toBeLessThanOrEqual(2);
      const [marker] = await buyAll(await offer(1));
      await eventually(() => expect(listener.told).toContain(marker));
      expect(listener.tally([first!, second!, third!])).toEqual(calls);

      listener.reset();
      expect(await call("market.replay", { id: items[0]!._id })).toEqual({ replayed: 1 });
      await eventually(() => areTold(items.slice(0, 1)), { within: 1000 });
      expect((await listed("refused")).debts.map(({ id }) => id)).toEqual([items[1]!._id]);
      expect(await call("market.replay", {})).toEqual({ replayed: 1 });
      await eventually(() => areTold(items));
      expect(await listed("refused")).toEqual({ count: 0, debts: [], nextCursor: null });
      for (const { _id } of items.slice(0, 2))
        expect(logged.filter((line) => line.includes(_id))).toHaveLength(1);
      await expect(call("market.replay", { id: items[0]!._id })).rejects.toMatchObject({
        type: "BAD_DATA",
      });
    });

    it("is of an older version or broken stops nobody: what can be told is told, the rest is logged and listed", async () => {
      const logged = errorsOf(fabric);
      const seller = randomUUID();
      const [old, noSale, noBuyer, noState, noUser, good] = many(6, (n) =>
        owing(seller, 120_000 - n),
      );
      const broken = [
        without(old!, "v", "currency", "words"),
        without(noSale!, "saleId"),
        without(noBuyer!, "buyerId"),
        { ...noState!, notice: { dueAt: noState!.notice!.dueAt } as never },
        { ...noUser!, sellerId: "no such user!" },
        owing("a-seller-who-has-gone"),
      ];
      await fabric.fill([...broken, good!]);

      await eventually(() => areTold([broken[0]!, broken[3]!, broken[5]!, good!]));

      const set = [noSale!, noBuyer!].map(({ _id }) => _id);
      await eventually(async () => {
        const waiting = (await listed("pending")).debts.filter(({ id }) => set.includes(id));
        expect(waiting.map(({ attempts }) => attempts > 0)).toEqual([true, true]);
      });
      for (const id of set) expect(logged.filter((line) => line.includes(id))).toHaveLength(1);
      expect((await listed("refused")).debts.map(({ id }) => id)).toEqual([noUser!._id]);
      // Mended in the database, all is told.
      for (const { _id } of [noSale!, noBuyer!, noUser!])
        await store().change(
          { _id },
          { $set: { saleId: randomUUID(), buyerId: "bob", sellerId: seller } },
        );
      await call("market.replay", { id: noUser!._id });
      await eventually(() => areTold([noSale!, noBuyer!, noUser!]), { within: 15_000 });
    });
  });

  describe("a backlog", () => {
    it("of one seller is told oldest first, delays neither others' notices nor sales, and takes few calls at a time", async () => {
      const toSell = await offer(1_000);
      const saleRate = await rateOf(1_000, () => buyAll(toSell));
      await eventually(() => areTold(toSell));
      await fabric.vanish();
      const [large, items] = [await owe(backlog), await offer(50)];
      listener.reset();
      const began = performance.now();
      await fabric.appear();
      await eventually(() => listener.told.length > 500, { within: 20_000, every: 5 });

      // In the middle of it: others' debts come due, and others' items are sold.
      const others = many(20, () => owing(randomUUID(), leaseMs));
      await fabric.fill(others);
      const came = performance.now();
      const isOther = new Set(salesOf(others));
      const areHeard = () => listener.told.filter((id) => isOther.has(id)).length === 20;
      const heard = eventually(areHeard, { within: 5000 }).then(() => ({
        delay: performance.now() - came,
        left: backlog - listener.told.length,
      }));
      let slowest = 0;
      for (const item of items) {
        const asked = performance.now();
        await buyAll([item]);
        slowest = Math.max(slowest, performance.now() - asked);
      }
      const { delay, left } = await heard;
      await eventually(() => listener.told.length >= backlog + 70, { within: 600_000, every: 10 });
      const took = performance.now() - began;

      console.log(
        `${saleRate} sales/s; ${backlog} debts, of which ${Math.round((backlog / took) * 1000)}/s were paid; others' notices after ${Math.round(delay)} ms, buys within ${Math.round(slowest)} ms; ${left} were left then; calls at once: ${listener.most}`,
      );
      expect(left).toBeGreaterThan(0);
      expect(slowest).toBeLessThan(1000);
      // The buys come one after another.
      expect(listener.most).toBeLessThanOrEqual(5 * fabric.markets.length + 1);
      expect(listener.tally(salesOf(large))).toEqual({ 1: backlog });
      const place = new Map(listener.told.map((id, n) => [id, n]));
      // Each node tells five hundred at a time, so that few are ahead of their turn.
      const ahead = salesOf(large).map((id, n) => Math.abs(place.get(id)! - n));
      expect(Math.max(...ahead)).toBeLessThan(1_500);
    }, 900_000);

    it("takes no more calls at a time when some of it cannot be claimed", async () => {
      listener.answer = () => pause(700);
      let claims = 0;
      const unclaimed = fabric.markets.map((market) => {
        const { claim } = market;
        market.claim = (found) =>
          ++claims % 3 === 0 ? Promise.reject(refusal("UNAVAILABLE")) : claim.call(market, found);
        return () => (market.claim = claim);
      });
      const items = await owe(2_500);

      await eventually(() => areTold(items), { within: 20_000 });

      for (const mend of unclaimed) mend();
      expect(claims).toBeGreaterThan(25);
      expect(listener.most).toBeLessThanOrEqual(5 * fabric.markets.length);
    }, 30_000);

    it("of sales made faster than they are told is bounded in calls, and told at once when they are taken again", async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      listener.answer = () => gate;
      const items = await offer(1_000);

      const sales = await buyAll(items);
      const most = listener.most;
      open();

      await eventually(() => listener.told.length >= 900, { within: 5000 });
      // A buy whose answer the database was too slow to give is paid when its lease ends.
      await eventually(() => areTold(items), { within: 20_000 });
      expect(most).toBeLessThanOrEqual((100 + 5) * fabric.markets.length);
      expect(listener.tally(sales)).toEqual({ 1: 1_000 });
    });
  });

  describe("a node that stops", () => {
    it("waits for the answers to its calls, and leaves nothing claimed", async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      listener.answer = () => gate;
      const [items, left] = [await offer(10), await owe(300)];
      await buyAll(items);
      await eventually(() => listener.called.length >= 10 + 16 && listener.now > 10);

      // The answers come when it has long begun to stop.
      setTimeout(open, 1000);
      await fabric.stop();
      listener.answer = () => {};
      const before = new Set(listener.told);
      await fabric.start();
      await fabric.appear();

      await eventually(() => areTold([...items, ...left]), { within: 5000 });
      expect(before.size).toBeGreaterThanOrEqual(26);
      expect(listener.tally([...before])).toEqual({ 1: before.size });
    }, 60_000);

    it("waits no longer than 2 s for those who do not answer", async () => {
      let open = () => {};
      const gate = new Promise<void>((resolve) => (open = resolve));
      listener.answer = () => gate;
      const items = await offer(5);
      await buyAll(items);
      await eventually(() => listener.now >= 5);

      const began = performance.now();
      await Promise.all(fabric.markets.map((market) => market.broker.destroyService(market)));
      const took = performance.now() - began;
      open();
      await fabric.stop();
      await fabric.start();

      expect(took).toBeGreaterThan(1500);
      expect(took).toBeLessThan(4000);
    }, 60_000);
  });
}

/** A second. */
async function rateOf(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round((count / (performance.now() - began)) * 1000);
}

const without = (item: ItemDocument, ...fields: (keyof ItemDocument)[]) =>
  Object.fromEntries(
    Object.entries(item).filter(([field]) => !fields.includes(field as never)),
  ) as unknown as ItemDocument;

/** What the market's nodes log as errors from now on. */
function errorsOf({ markets }: Fabric): string[] {
  const lines: string[] = [];
  for (const { logger } of markets) logger.error = (line: string) => void lines.push(line);
  return lines;
}
