/** What nodes say of themselves when their connections are cut, and where calls go then. */
import { setTimeout as pause } from "node:timers/promises";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { SERVER_START, startMongo, startRabbit, type Server } from "../../bin/processes/servers.ts";
import type { Readiness } from "../../contracts/health.ts";
import { Client } from "../support/client.ts";
import { Proxy } from "../support/proxy.ts";

/** A node whose connections pass proxies. */
interface Member {
  node: Node;
  rabbit: Proxy;
  mongo: Proxy;
  /** Of /health/live and /health/ready. */
  health: string;
}

let servers: Server[];
let api: Member;
let markets: Member[];
let others: Member[];
let buyer: Client;
let itemId: string;

async function member(service: string, env: ReturnType<typeof clusterEnv>): Promise<Member> {
  const [rabbit, mongo] = [await proxyOf(env.AMQP_URL), await proxyOf(env.MARKET_MONGO_URL)];
  const variable = `${service.toUpperCase()}_MONGO_URL` as "MARKET_MONGO_URL";
  const database = new URL(env[variable] ?? env.MARKET_MONGO_URL).pathname;
  const healthPort = await freePort();
  const node = await startNode([service], {
    ...envOf(service, env),
    AMQP_URL: `amqp://guest:guest@127.0.0.1:${rabbit.port}`,
    [variable]: `mongodb://127.0.0.1:${mongo.port}${database}?directConnection=true`,
    HEALTH_PORT: `${healthPort}`,
  });
  return { node, rabbit, mongo, health: node.api || `http://127.0.0.1:${healthPort}` };
}

const proxyOf = (url: string) => Proxy.before(Number(new URL(url).port));

beforeAll(async () => {
  servers = await Promise.all([startRabbit(), startMongo()]);
  const env = clusterEnv(servers[0]!.url, servers[1]!.url);
  [api, ...markets] = (await Promise.all(
    ["api", "market", "market"].map((service) => member(service, env)),
  )) as [Member, ...Member[]];
  others = await Promise.all(
    ["users", "notifications", "deliveries"].map((service) => member(service, env)),
  );
  await isReady(api);
  buyer = await Client.registered(api.node.api);
  itemId = (await (await Client.registered(api.node.api)).offer()).id;
  expect(await buy()).toBe(200);
}, SERVER_START);

afterAll(async () => {
  const all = [...others, ...markets, api];
  await Promise.all(all.map(({ node }) => node.end()));
  await Promise.all(all.flatMap(({ rabbit, mongo }) => [rabbit.close(), mongo.close()]));
  await Promise.all(servers.map((server) => server.stop()));
}, 60_000);

/** The same buyer gets the same answer from any node, each time after a conditional write. */
const buy = async () => (await buyer.call("POST", `/market/buy/${itemId}`)).status;

const readinessOf = async ({ health }: Member) =>
  (await (await fetch(`${health}/health/ready`)).json()) as Readiness;
const isReady = (of: Member) =>
  eventually(async () => expect((await readinessOf(of)).status).toBe("ready"), { within: 20_000 });

/** Throws unless some of ten buys reach this node's database. */
async function servesBuys({ mongo }: Member): Promise<void> {
  let isServing = false;
  const untap = mongo.tap("up", (chunk) => (isServing ||= chunk.includes(itemId)));
  for (let n = 0; n < 10; n++) expect(await buy()).toBe(200);
  untap();
  expect(isServing).toBe(true);
}

/** Buys fifty times a second for `ms`. Returns when each failed buy began (ms from now), and their number in all. */
async function buyFor(ms: number): Promise<{ failedAt: number[]; count: number }> {
  const startedAt = performance.now();
  const failedAt: number[] = [];
  const buys: Promise<void>[] = [];
  while (performance.now() - startedAt < ms) {
    const at = performance.now() - startedAt;
    buys.push(buy().then((status) => void (status === 200 || failedAt.push(at))));
    await pause(20);
  }
  await Promise.all(buys);
  return { failedAt, count: buys.length };
}

const cuts: { what: string; cut(proxy: Proxy): unknown }[] = [
  { what: "refuses connections", cut: (proxy) => proxy.refuse() },
  { what: "is silent", cut: (proxy) => proxy.hold("up", "down") },
  { what: "sends no answers", cut: (proxy) => proxy.hold("down") },
  { what: "answers after 3 s", cut: (proxy) => void (proxy.delayed = 1_500) },
];

describe("one of two market nodes whose database", () => {
  afterEach(async () => {
    await markets[0]!.mongo.admit();
    await isReady(markets[0]!);
  });

  it.each(cuts)(
    "$what gets no buys while the other is ready",
    async ({ what, cut }) => {
      await Promise.all([...markets, api].map(isReady));

      await eventually(() => servesBuys(markets[0]!), { within: 20_000 });
      await cut(markets[0]!.mongo);
      const { failedAt, count } = await buyFor(6_000);

      const late = failedAt.filter((at) => at > 3_000).length;
      process.stderr.write(
        `database ${what}: ${failedAt.length} of ${count} buys failed in 6 s, the last began after ` +
          `${Math.round(Math.max(0, ...failedAt))} ms; ${late} after 3 s\n`,
      );
      expect(late / count).toBeLessThanOrEqual(0.005);
      expect(await readinessOf(api)).toMatchObject({ status: "ready" });
    },
    60_000,
  );
});

it("all of two market nodes without a database refuse buys at once, and sell again within seconds", async () => {
  await Promise.all([...markets, api].map(isReady));
  for (const { mongo } of markets) await mongo.refuse();
  await eventually(async () =>
    expect((await readinessOf(api)).services).toMatchObject({ market: "database unreachable" }),
  );
  const startedAt = performance.now();
  expect(await buy()).toBe(503);
  expect(performance.now() - startedAt).toBeLessThan(2_000);

  for (const { mongo } of markets) await mongo.admit();
  await eventually(async () => expect(await buy()).toBe(200), { within: 20_000 });
}, 60_000);

describe("a node is not ready, and still live, when", () => {
  const losses: { what: string; state: RegExp; cut(of: Member): unknown }[] = [
    ...cuts.map(({ what, cut }) => ({
      what: `its database ${what}`,
      state: /^(database unreachable|unresponsive)$/,
      cut: ({ mongo }: Member) => cut(mongo),
    })),
    {
      what: "RabbitMQ refuses connections",
      state: /^disconnected$/,
      cut: ({ rabbit }) => rabbit.refuse(),
    },
    {
      what: "RabbitMQ is silent",
      state: /^(disconnected|unrouted|isolated)$/,
      cut: ({ rabbit }) => rabbit.hold("up", "down"),
    },
    {
      what: "RabbitMQ delivers nothing",
      state: /^(disconnected|unrouted|isolated)$/,
      cut: ({ rabbit }) => rabbit.hold("down"),
    },
  ];

  it.each(losses)(
    "$what",
    async ({ what, state, cut }) => {
      const [market] = markets as [Member];
      await isReady(market);
      const startedAt = performance.now();
      await cut(market);
      await eventually(
        async () => expect((await readinessOf(market)).services.market).toMatch(state),
        { within: 20_000 },
      );
      const { services } = await readinessOf(market);
      process.stderr.write(
        `${what}: ${services.market} after ${Math.round(performance.now() - startedAt)} ms\n`,
      );
      expect((await fetch(`${market.health}/health/live`)).status).toBe(200);
      await Promise.all([market.rabbit.admit(), market.mongo.admit()]);
      await isReady(market);
    },
    60_000,
  );
});

it("api says of every service that it is disconnected itself when it has lost RabbitMQ", async () => {
  await isReady(api);
  await api.rabbit.refuse();
  await eventually(async () =>
    expect((await readinessOf(api)).services).toEqual({
      api: "disconnected",
      market: "disconnected",
      notifications: "disconnected",
      deliveries: "disconnected",
      users: "disconnected",
    }),
  );
  await api.rabbit.admit();
  await isReady(api);
}, 60_000);

it("a node that has lost all others at once is isolated, until they are back", async () => {
  const market = markets[0]!;
  const rest = [...markets.slice(1), ...others, api];
  await Promise.all([market, api].map(isReady));
  const startedAt = performance.now();
  for (const { node } of rest) node.child.kill("SIGSTOP");
  await eventually(
    async () => expect((await readinessOf(market)).services).toEqual({ market: "isolated" }),
    { within: 20_000 },
  );
  process.stderr.write(
    `all other nodes are frozen: isolated after ${Math.round(performance.now() - startedAt)} ms\n`,
  );
  expect((await fetch(`${market.health}/health/live`)).status).toBe(200);
  for (const { node } of rest) node.child.kill("SIGCONT");
  await Promise.all([market, api].map(isReady));
}, 60_000);
