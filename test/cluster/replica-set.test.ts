/** A store on a MongoDB replica set whose primary steps down, and whose connections break at the worst moments. */
import { randomUUID } from "node:crypto";
import { MongoStore } from "../../store/mongo.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, startMongo, type Server } from "../../bin/processes/servers.ts";
import { ReplicaSet, type Fault } from "../support/replica-set.ts";
import { shopOn, tally } from "../support/store-promises.ts";

let server: Server;
beforeAll(async () => void (server = await startMongo()), SERVER_START);
afterAll(() => server.stop());

let set: ReplicaSet;
let shop: Awaited<ReturnType<typeof shopOn>>;
beforeEach(async () => {
  set = await ReplicaSet.before(server.port);
  const url = set.url(`souk-set-${randomUUID()}`);
  shop = await shopOn((what) => new MongoStore(url, what));
  await shop.store.ping();
});
afterEach(async () => {
  await shop.stop();
  await set.close();
});

/** Sells an item to the first of its buyers, as market.buy does, and counts the sales. */
async function buy(_id: string, buyerId: string): Promise<"bought" | "sold" | "UNAVAILABLE"> {
  try {
    const sale = { $set: { isSold: true, buyerId }, $inc: { price: 1 } };
    const sold = await shop.store.change({ _id, isSold: false }, sale);
    const item = sold ?? (await shop.store.one({ _id }));
    return item?.buyerId === buyerId ? "bought" : "sold";
  } catch (error) {
    expect(error).toMatchObject({ type: "UNAVAILABLE" });
    return "UNAVAILABLE";
  }
}

/** Repeats a buy that was refused, as clients do. */
async function buyUntilKnown(item: string, buyer: string): Promise<boolean> {
  for (;;) {
    const end = await buy(item, buyer);
    if (end !== "UNAVAILABLE") return end === "bought";
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const refusals = Object.entries({
  NotWritablePrimary: 10107,
  PrimarySteppedDown: 189,
  InterruptedAtShutdown: 11600,
  InterruptedDueToReplStateChange: 11602,
  ShutdownInProgress: 91,
  HostUnreachable: 6,
  NotPrimaryOrSecondary: 13436,
}).map(([codeName, code]): Fault => ({ how: "refuse", code, codeName }));
const faults: Fault[] = [
  ...refusals,
  { how: "writeConcernError", code: 64, codeName: "WriteConcernTimeout" },
  { how: "drop before" },
  { how: "drop after" },
];
const nameOf = (fault: Fault) =>
  "codeName" in fault ? `${fault.how} ${fault.codeName}` : fault.how;

it.each(faults.map((fault) => [nameOf(fault), fault] as const))(
  "sells each item once, and keeps every sale, when commands end with: %s",
  async (_name, fault) => {
    const items = Array.from({ length: 20 }, () => randomUUID());
    for (const _id of items) await shop.store.insert({ _id, isSold: false, price: 0 });
    let n = 0;
    set.faultFor = (_command, name) =>
      name === "findAndModify" && n++ % 3 === 0 ? fault : undefined;

    const bought = await Promise.all(
      items.map(async (item) => {
        const buyers = ["ann", "bob", "carl"];
        const results = await Promise.all(buyers.map((buyer) => buyUntilKnown(item, buyer)));
        return buyers.filter((_, index) => results[index]);
      }),
    );

    expect(n).toBeGreaterThan(20);
    const stored = await shop.store.find({});
    for (const [index, _id] of items.entries()) {
      expect(bought[index]).toHaveLength(1);
      expect(stored.find((item) => item._id === _id)).toMatchObject({
        isSold: true,
        buyerId: bought[index]![0],
        price: 1,
      });
    }
  },
  60_000,
);

it("does a write once whose answer was lost: the driver repeats it by its number", async () => {
  await shop.store.insert({ _id: "1", price: 0 });
  let isFirst = true;
  set.faultFor = (_command, name) => {
    if (name !== "findAndModify" || !isFirst) return undefined;
    isFirst = false;
    return { how: "drop after" };
  };
  expect(await shop.store.change({ _id: "1" }, { $inc: { price: 1 } })).toMatchObject({
    price: 1,
  });
  expect([set.executed.get("findAndModify"), set.repeated]).toEqual([1, 1]);
});

it("acknowledges no insert that a majority does not have", async () => {
  set.faultFor = (_command, name) =>
    name === "insert"
      ? { how: "writeConcernError", code: 64, codeName: "WriteConcernTimeout" }
      : undefined;
  const inserts = Array.from({ length: 5 }, (_, n) => shop.store.insert({ _id: `${n}` }));
  expect(await tally(inserts)).toEqual({ UNAVAILABLE: 5 });
});

it("refuses every call in time while there is no primary for 12 s, and sells within 2 s after an election", async () => {
  const items = Array.from({ length: 400 }, () => randomUUID());
  for (const _id of items) await shop.store.insert({ _id, isSold: false, price: 0 });
  const bought: string[] = [];
  let [slowest, refused, isOver] = [0, 0, false];
  let soldAt: number | undefined;
  let electedAt = Infinity;
  const buyers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const item = items[Math.floor(Math.random() * items.length)]!;
      const startedAt = performance.now();
      const end = await buy(item, "ann");
      slowest = Math.max(slowest, performance.now() - startedAt);
      if (end === "bought") bought.push(item);
      if (end === "bought" && startedAt > electedAt) soldAt ??= performance.now();
      if (end === "UNAVAILABLE") refused++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  await eventually(() => expect(bought.length).toBeGreaterThan(20));

  set.stepDown();
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(refused).toBeGreaterThan(50);
  set.elect(1);
  electedAt = performance.now();
  await eventually(() => expect(soldAt).toBeDefined(), { within: 20_000 });
  isOver = true;
  await Promise.all(buyers);

  const ms = Math.round(soldAt! - electedAt);
  process.stderr.write(
    `12 s without a primary: ${refused} calls refused, the slowest call took ${Math.round(slowest)} ms; the first sale came ${ms} ms after the election\n`,
  );
  expect(slowest).toBeLessThan(5_000);
  for (const { _id, buyerId, price } of await shop.store.find({ isSold: true }))
    expect([_id, buyerId, price]).toEqual([_id, "ann", 1]);
  const stored = new Set((await shop.store.find({ isSold: true })).map(({ _id }) => _id));
  expect(bought.filter((item) => !stored.has(item))).toEqual([]);
}, 60_000);
