/** What nodes know of each other, and what it costs. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, sharedRabbit, type Shared } from "../../bin/processes/servers.ts";
import { linesOf } from "../support/log-lines.ts";
import { countMessages } from "../support/message-count.ts";
import { Proxy } from "../support/proxy.ts";

let rabbit: Shared;
let namespace: string;
let lines: string[];
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => void (rabbit = await sharedRabbit()), SERVER_START);
afterAll(() => rabbit?.stop());
beforeEach(() => void ([namespace, lines] = [randomUUID(), []]));
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function start(nodeID: string, url = rabbit.url): Promise<ServiceBroker> {
  const broker = new ServiceBroker({
    ...brokerDefaults,
    nodeID,
    namespace,
    transporter: amqp(url),
    logger: linesOf(lines),
    registry: { stopDelay: 0 },
    skipProcessEventRegistration: true,
    internalServices: false,
  });
  broker.createService({ name: nodeID, actions: { ask: () => nodeID } });
  closing.push(() => broker.stop());
  await broker.start();
  return broker;
}

const idsOf = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`);
const knownTo = (broker: ServiceBroker) =>
  broker.registry.nodes
    .toArray()
    .filter(({ available }) => available)
    .map(({ id }) => id)
    .sort();

async function startAll(ids: string[], url?: string): Promise<ServiceBroker[]> {
  const nodes = await Promise.all(ids.map((id) => start(id, url)));
  await allKnow(nodes, ids);
  return nodes;
}

async function allKnow(nodes: ServiceBroker[], ids: string[]): Promise<void> {
  const expected = [...ids].sort();
  await eventually(
    () => {
      for (const node of nodes) expect(knownTo(node)).toEqual(expected);
    },
    { within: 40_000 },
  );
}

it.each([5, 20])(
  "%i idle nodes publish and receive at most four messages a second each",
  async (count) => {
    const nodes = await startAll(idsOf(count));
    const counters = nodes.map((node) => countMessages(node));
    await pause(8000); // each node has broadcast its first heartbeat, which is part of its start

    const begun = performance.now();
    const before = counters.map((counter) => counter.total());
    // Eight rounds of probes. In less time, three heartbeats broadcast by chance would exceed the limit.
    await pause(30_000);
    const seconds = (performance.now() - begun) / 1000;

    const sum = counters.reduce((total, counter, n) => total + counter.total() - before[n]!, 0);
    expect(sum / count / seconds).toBeLessThanOrEqual(4);
    expect(sum / count / seconds).toBeGreaterThan(2);
  },
  120_000,
);

it("a node that knows too little, or too much, asks the others again", async () => {
  const ids = idsOf(4);
  const nodes = await startAll(ids);

  // What a lost INFO packet and a lost suspicion leave behind.
  nodes[0]!.registry.nodes.disconnected("n2", true);
  for (const id of ["n1", "n2"]) nodes[3]!.registry.nodes.disconnected(id, true);

  await allKnow(nodes, ids);
}, 60_000);

it("two parts of a cluster that do not know each other meet", async () => {
  const ids = idsOf(4);
  const nodes = await startAll(ids);

  for (const [n, node] of nodes.entries())
    for (const id of ids.filter((_id, other) => other % 2 !== n % 2))
      node.registry.nodes.disconnected(id, true);

  await allKnow(nodes, ids);
}, 60_000);

it("a node that is gone is known to all, and known again when it is back", async () => {
  const proxy = await Proxy.before(Number(new URL(rabbit.url).port));
  closing.push(() => proxy.close());
  const ids = idsOf(5);
  const others = await Promise.all(ids.slice(1).map((id) => start(id)));
  const nodes = [...others, await start(ids[0]!, `amqp://guest:guest@127.0.0.1:${proxy.port}`)];
  await allKnow(nodes, ids);

  await proxy.refuse();
  await allKnow(others, ids.slice(1));

  await proxy.admit();
  await allKnow(nodes, ids);
}, 60_000);

it("a node that is suspected by mistake announces itself, and its services are available again", async () => {
  const ids = idsOf(3);
  const nodes = await startAll(ids);
  const { joinedAt } = nodes[1]!.metadata;

  const payload = { node: "n1", joinedAt, isGone: true };
  await nodes[0]!.transit!.publish({ type: "SUSPICION", target: null, payload } as never);

  await eventually(() => expect(lines.filter(isSuspected)).toHaveLength(2), { within: 20_000 });
  await allKnow(nodes, ids);
  await eventually(() => nodes[2]!.call("n1.ask"), { within: 20_000 });
}, 60_000);

const isSuspected = (line: string) => line.includes("'n1' disconnected unexpectedly");

it("RabbitMQ half a second away suspects no node", async () => {
  const proxy = await Proxy.before(Number(new URL(rabbit.url).port));
  closing.push(() => proxy.close());
  const url = `amqp://guest:guest@127.0.0.1:${proxy.port}`;
  proxy.delayed = 250; // each way
  const ids = idsOf(3);
  const nodes = await startAll(ids, url);

  const calls = nodes.map((node, n) => node.call(`n${(n + 1) % 3}.ask`, {}, { timeout: 20_000 }));
  expect(await Promise.all(calls)).toEqual(["n1", "n2", "n0"]);
  await pause(6000);

  expect(lines.filter((line) => /disconnected|Lost|asked again/.test(line))).toEqual([]);
}, 90_000);
