/** The protocol from sale to notice, step by step: without faults, with a crash between every two steps, duplicates and lost broadcasts. */
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, type Shared } from "../../bin/processes/servers.ts";
import { Client } from "../support/client.ts";
import { check, violationsOf } from "./checker.ts";
import { Cluster } from "./cluster-harness.ts";
import { sharedServers } from "./cluster-servers.ts";
import { tracesOf, violationsOfModel } from "./conformance.ts";
import type { Fault } from "./fault.ts";
import { newHistory, now, type FinalState, type History, type NotifyCall } from "./history.ts";
import { Load } from "./load.ts";
import { duplicateDelivery, protocolPoints } from "./protocol-faults.ts";

let cluster: Cluster<Shared>;
const bothNodes = ["notifications-1", "notifications-2"];

beforeAll(async () => {
  cluster = await Cluster.start({ market: 2, notifications: 2 }, await sharedServers());
}, SERVER_START);

afterAll(() => cluster?.stop(), 60_000);

/** Sells 200 items of four sellers with a device on each node, during `act`. Then checks every invariant. */
async function scenario(
  act: (load: Load, sell: () => void) => Promise<unknown>,
  { isFaultFree = false } = {},
): Promise<{ history: History; state: FinalState }> {
  const history = newHistory();
  const load = new Load(cluster, history);
  const sellers = await load.newUsers(4);
  const items = (await Promise.all(sellers.map((seller) => load.insertItems(seller, 50)))).flat();
  const buyers = await load.newUsers(20);
  await Promise.all(sellers.map((seller) => load.connectDevices(seller, bothNodes)));
  const from = now();

  await act(load, () => load.sell(items, buyers, 8));
  await load.soldOut();
  await load.settle(40_000);

  if (isFaultFree) history.faultFree.push({ from, to: now() });
  const state = await load.finalState();
  load.close();
  expect(violationsOf(check(history, state))).toEqual({});
  expect(await violationsOfModel(tracesOf(history, state))).toEqual([]);
  expect(state.items.filter(({ isSold }) => isSold)).toHaveLength(200);
  return { history, state };
}

/** The fault waits for its point before the first buy, so that the first message there triggers it. */
const underLoad = ({ inject, heal }: Fault) =>
  scenario(async (_load, sell) => {
    const injected = inject();
    sell();
    await injected.finally(heal);
  });

it("sells each item once, however many buyers come, and delivers each notice with one call without faults", async () => {
  const { history, state } = await scenario(async (_load, sell) => sell(), { isFaultFree: true });

  // The model, which accepted this history, refuses it when one thing is changed.
  const [{ saleId }] = history.calls as [NotifyCall];
  const others = history.calls.filter((call) => call.saleId !== saleId);
  const unsent = { ...history, calls: others };
  expect(await violationsOfModel(tracesOf(unsent, state))).toHaveLength(1);
  const notices = state.notices.filter(({ id }) => id !== saleId);
  expect(await violationsOfModel(tracesOf(history, { ...state, notices }))).toHaveLength(1);
}, 120_000);

it("delivers every notice with one call after an outage, however many nodes share the work", async () => {
  const nodes = cluster.of("notifications");
  const stopAndSell = async (load: Load, sell: () => void) => {
    await Promise.all(nodes.map((node) => node.end("SIGTERM")));
    sell();
    await load.soldOut();
    await Promise.all(nodes.map((node) => node.start()));
  };
  await scenario(stopAndSell, { isFaultFree: true });
}, 150_000);

it.each([
  "kill -9: market, sale written, notify not called",
  "kill -9: market, notify answered, entry not marked",
  "kill -9: notifications, notice stored, not answered",
  "kill -9: notifications, notify called, notice not stored",
  "reset: notifications, answer and ack lost, redelivered",
  "reset: market, sale written, the database's answer lost",
])(
  "neither loses nor duplicates a notice at the point '%s'",
  async (name) => {
    const points = protocolPoints(cluster.get("market-1"), cluster.get("notifications-1"));
    await underLoad(points.find((point) => point.name === name)!);
  },
  150_000,
);

it("stores a notice once when it is delivered repeatedly, to any node", async () => {
  await scenario(async (load, sell) => {
    sell();
    await load.soldOut();
    await duplicateDelivery(cluster, load.history).inject();
  });
}, 120_000);

it("shows the notices of other nodes after it lost RabbitMQ", async () => {
  await scenario(async (load, sell) => {
    const { amqp } = cluster.get("notifications-1");
    await amqp.refuse();
    sell();
    await load.soldOut().finally(() => amqp.admit());
  });
}, 150_000);

describe("with clocks a minute apart", () => {
  const restart = async (clockOffset = 0) => {
    await Promise.all(
      ["market-1", "notifications-1"].map(async (name) => {
        await cluster.get(name).end("SIGTERM");
        await cluster.get(name).setClock(clockOffset);
        await cluster.get(name).start();
      }),
    );
    await cluster.waitUntilHealthy();
  };
  afterEach(() => restart(), 60_000);

  it.each([60_000, -60_000])(
    "(%d ms) sells each item once, loses no notice, and shows every notice after a node was disconnected",
    async (clockOffset) => {
      await restart(clockOffset);
      await scenario(async (load, sell) => {
        const { amqp } = cluster.get("notifications-1");
        sell();
        await eventually(() => load.purchases > 50, { within: 60_000 });
        await amqp.refuse();
        await load.soldOut().finally(() => amqp.admit());
      });
    },
    200_000,
  );
});

/** Registers, signs in, offers and buys, over the public interface. */
async function sellOne(): Promise<{ saleId: string }> {
  const [api] = cluster.apis;
  const seller = await Client.registered(api!);
  const buyer = await Client.registered(api!);
  const { id } = await seller.offer();
  const { body } = await buyer.call<{ saleId: string }>("POST", `/market/buy/${id}`);
  return body;
}

describe("with the clock of one node three hours off while items are sold", () => {
  const hours = 3_600_000;
  const setClocks = (names: string[], ms: number) =>
    Promise.all(names.map((name) => cluster.get(name).setClock(ms)));
  afterEach(() => Promise.all(cluster.members.map((member) => member.setClock(0))), 60_000);

  it.each(
    ["api-1", "market-1", "notifications-1", "users-1"].flatMap((name) => [
      [name, 3] as const,
      [name, -3] as const,
    ]),
  )(
    "(%s, %d h) sells each item once, delivers every notice, and keeps every device connected",
    async (name, off) => {
      await scenario(async (load, sell) => {
        sell();
        await setClocks([name], off * hours);
        await load.soldOut();
        expect(await sellOne()).toHaveProperty("saleId");
        await setClocks([name], 0);
      });
    },
    200_000,
  );

  it.each([3, -3])(
    "(both nodes of market, %d h) delivers every notice within 30 s of the clock's return",
    async (off) => {
      const markets = ["market-1", "market-2"];
      const receivers = cluster.of("notifications");
      await scenario(async (load, sell) => {
        await setClocks(markets, off * hours);
        sell();
        await eventually(() => load.purchases > 50, { within: 60_000 });
        await Promise.all(receivers.map((node) => node.end("SIGTERM")));
        await load.soldOut();
        await setClocks(markets, 0);
        await Promise.all(receivers.map((node) => node.start()));
        await load.settle(30_000);
      });
    },
    200_000,
  );

  it("logs the difference to the database once", async () => {
    const market = cluster.get("market-1");
    const said = () => market.lines("ahead of that of MongoDB").length;
    const before = said();
    await setClocks([market.name], 3 * hours);
    await eventually(() => said() > before, { within: 20_000 });
    const { saleId } = await sellOne();
    expect(saleId).toEqual(expect.any(String));
    expect(said()).toBe(before + 1);
  }, 60_000);
});
