/** From sale to notice, step by step: calm weather, a death between every two steps, everything told twice, a hint that is lost. */
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, type Shared } from "../../bin/processes/servers.ts";
import { check, faultsOf } from "./checker.ts";
import { duplicates, points, type Fault } from "./faults.ts";
import { newHistory, now } from "./history.ts";
import { House, sharedServers } from "./cluster-harness.ts";
import { Load } from "./load.ts";

let house: House<Shared>;
const both = ["notifications-1", "notifications-2"];

beforeAll(async () => {
  house = await House.start(
    { api: 1, market: 2, notifications: 2, users: 1 },
    await sharedServers(),
  );
}, SERVER_START);

afterAll(() => house?.stop(), 60_000);

/** Four sellers with a device on each node, and 200 purchases of theirs while `act` goes on; then all that is promised must hold. */
async function scene(
  act: (load: Load, sell: () => void) => Promise<unknown>,
  { isCalm = false } = {},
): Promise<void> {
  const history = newHistory();
  const load = new Load(house, history);
  const sellers = await load.people(4);
  const items = (await Promise.all(sellers.map((seller) => load.stock(seller, 50)))).flat();
  const buyers = await load.people(20);
  await Promise.all(sellers.map((seller) => load.devices(seller, both)));
  const from = now();

  await act(load, () => load.sell(items, buyers, 8));
  await load.soldOut();
  await load.settle(40_000);

  if (isCalm) history.calm.push({ from, to: now() });
  const remains = await load.remains();
  load.close();
  expect(faultsOf(check(history, remains))).toEqual({});
  expect(remains.items.filter(({ isSold }) => isSold)).toHaveLength(200);
}

/** Its trap is set before the first buy, so that it strikes at the first that gets there. */
const underLoad = ({ strike, heal }: Fault) =>
  scene(async (_load, sell) => {
    const struck = strike();
    sell();
    await struck.finally(heal);
  });

it("tells every sale with one call in calm weather, and sells each item once, however many want it", async () => {
  await scene(async (_load, sell) => sell(), { isCalm: true });
}, 60_000);

it("pays every debt with one call after an outage, however many nodes share the work", async () => {
  const nodes = house.of("notifications");
  const stopAndSell = async (load: Load, sell: () => void) => {
    await Promise.all(nodes.map((node) => node.end("SIGTERM")));
    sell();
    await load.soldOut();
    await Promise.all(nodes.map((node) => node.start()));
  };
  await scene(stopAndSell, { isCalm: true });
}, 90_000);

const named = (struck: House<Shared>) =>
  new Map(
    points(struck.get("market-1"), struck.get("notifications-1")).map((fault) => [
      fault.name,
      fault,
    ]),
  );

it.each([
  "kill -9: market, sale written, notify not called",
  "kill -9: market, notify answered, debt not marked",
  "kill -9: notifications, notice stored, not answered",
  "kill -9: notifications, notice asked for, not stored",
  "cut: notifications, answer and ack lost, redelivered",
  "cut: market, sale written, its database's word lost",
])(
  "loses and doubles nothing at the point '%s'",
  async (name) => underLoad(named(house).get(name)!),
  90_000,
);

it("stores a notice once that is delivered again and again, to any node", async () => {
  await scene(async (load, sell) => {
    sell();
    await load.soldOut();
    await duplicates(house).strike();
  });
}, 60_000);

it("shows on a node that lost RabbitMQ what others were told meanwhile", async () => {
  await scene(async (load, sell) => {
    const { amqp } = house.get("notifications-1");
    await amqp.refuse();
    sell();
    await load.soldOut().finally(() => amqp.admit());
  });
}, 90_000);

describe("with clocks a minute apart", () => {
  const restart = (clock?: number) =>
    Promise.all(
      ["market-1", "notifications-1"].map(async (name) => {
        await house.get(name).end("SIGTERM");
        await house.get(name).start(clock);
      }),
    ).then(() => house.isWell());
  afterEach(() => restart(), 60_000);

  it.each([60_000, -60_000])(
    "(%d ms) sells each item once, loses no notice, and every device shows what was told while its node was cut off",
    async (clock) => {
      await restart(clock);
      await scene(async (load, sell) => {
        const { amqp } = house.get("notifications-1");
        sell();
        await eventually(() => load.purchases > 50);
        await amqp.refuse();
        await load.soldOut().finally(() => amqp.admit());
      });
    },
    150_000,
  );
});
