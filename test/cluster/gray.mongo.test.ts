/** Networks that fail grayly between a node and MongoDB: some connections silent, some slow, one direction alive. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { MongoClient } from "mongodb";
import { MongoStore } from "../../store/mongo.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, startMongo, type Server } from "../../bin/processes/servers.ts";
import { Proxy, type Direction } from "../support/proxy.ts";
import { shopOn, tally } from "../support/store-promises.ts";

let server: Server;
beforeAll(async () => void (server = await startMongo()), SERVER_START);
afterAll(() => server.stop());

let proxy: Proxy;
let store: MongoStore;
let shop: Awaited<ReturnType<typeof shopOn>>;
/** Connections of the pool that calls use now. */
let inUse: number;
beforeEach(async () => {
  proxy = await Proxy.before(server.port);
  inUse = 0;
  shop = await shopOn((what) => {
    const url = `mongodb://127.0.0.1:${proxy.port}/souk-gray-${randomUUID()}?directConnection=true`;
    return (store = new MongoStore(url, what));
  });
  const { client } = store.collection as unknown as { client: MongoClient };
  client.on("connectionCheckedOut", () => inUse++).on("connectionCheckedIn", () => inUse--);
  await shop.store.insert({ _id: "1", price: 0 });
});
afterEach(async () => {
  proxy.release();
  await shop.stop();
  await proxy.close();
});

const calls = [
  () => shop.store.insert({ _id: randomUUID() }),
  () => shop.store.one({ _id: "1" }),
  () => shop.store.find({}),
  () => shop.store.count({}),
  () => shop.store.change({ _id: "1" }, { $inc: { price: 1 } }),
  () => shop.store.changeMany({ _id: "1" }, { $inc: { price: 1 } }),
  () => shop.store.ping(),
];

/** Opens all 50 connections of the pool. */
async function fillPool(): Promise<void> {
  proxy.delayed = 20;
  const open = async () => {
    await Promise.all(Array.from({ length: 200 }, () => shop.store.one({ _id: "1" })));
    expect(proxy.connections).toBeGreaterThanOrEqual(51);
  };
  await eventually(open, { within: 20_000 });
  proxy.delayed = 0;
}

/** Calls every 20 ms until the last 50 calls succeeded. Returns the time of the last failure (ms) and the number of failures. */
async function failuresUntilWell(within: number): Promise<{ lastAt: number; count: number }> {
  const startedAt = performance.now();
  let [lastAt, count, successes] = [0, 0, 0];
  for (let n = 0; successes < 50; n++) {
    expect(performance.now() - startedAt).toBeLessThan(within);
    void tally([calls[n % calls.length]!()]).then((ends) => {
      successes = "UNAVAILABLE" in ends ? 0 : successes + 1;
      if (successes > 0) return;
      count++;
      lastAt = Math.round(performance.now() - startedAt);
    });
    await pause(20);
  }
  return { lastAt, count };
}

const both: Direction[] = ["up", "down"];
const drills: { what: string; begin(): unknown }[] = [
  { what: "49 of 50 connections are silent", begin: () => proxy.silence(49, ...both) },
  { what: "49 of 50 connections bring no answers", begin: () => proxy.silence(49, "down") },
  {
    what: "25 of 50 connections are slow by 4 s and every third new one is silent",
    begin() {
      proxy.slow(25, 2_000);
      proxy.isNewSilent = (n) => n % 3 === 0;
    },
  },
];

it.each(drills)(
  "works again by itself, and gives back every connection, when $what",
  async ({ what, begin }) => {
    await fillPool();
    begin();
    // Calls on every connection: no single call finds all of the silent ones.
    const busy = Array.from({ length: 60 }, () => calls[4]!());
    await pause(500);
    expect(inUse).toBeGreaterThan(20);
    const ends = JSON.stringify(await tally(busy));

    const { lastAt, count } = await failuresUntilWell(20_000);

    process.stderr.write(
      `${what}: of 60 calls at once ${ends}; then ${count} failed, the last after ${lastAt} ms\n`,
    );
    await eventually(() => expect(inUse).toBe(0), { within: 10_000 });
  },
  60_000,
);
