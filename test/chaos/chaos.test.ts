/**
 * The market under load while its nodes, servers and connections fail and recover, in an order drawn from a seed. CHAOS_SEED repeats an
 * order, CHAOS_SECONDS limits the time for injections, CHAOS_BUYS is the required number of purchases, and CHAOS_ONLY selects the faults
 * whose name contains it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START } from "../../bin/processes/servers.ts";
import { check, violationsOf } from "./checker.ts";
import { Cluster } from "./cluster-harness.ts";
import { ownServers } from "./cluster-servers.ts";
import { distinct, tracesOf, violationsOfModel } from "./conformance.ts";
import type { Fault, Surface } from "./fault.ts";
import { allFaults } from "./faults.ts";
import { newHistory, now } from "./history.ts";
import { Load } from "./load.ts";
import { seeded, shuffled } from "./random.ts";
import type { User } from "./recording-device.ts";
import { table, type Injection } from "./report.ts";
import { request } from "./request.ts";

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(process.env.CHAOS_SECONDS ?? 330);
const buys = Number(process.env.CHAOS_BUYS ?? 10_000);
const only = process.env.CHAOS_ONLY ?? "";

const sellers = 24;
const concurrency = 12;
/** A cluster that is not healthy this long after a fault will not recover (ms). */
const healthyWithin = 30_000;

let cluster: Cluster;
let load: Load;
const history = newHistory();
const random = seeded(seed);
const log = (line: string) => void process.stderr.write(`${line}\n`);

beforeAll(async () => {
  cluster = await Cluster.start({ api: 2, market: 2, notifications: 2 }, await ownServers());
  load = new Load(cluster, history, random);
}, SERVER_START);

afterAll(async () => {
  load?.close();
  await cluster?.stop();
}, 60_000);

it(`sells no item twice and loses no notice under any fault (CHAOS_SEED=${seed} npm run test:chaos)`, async () => {
  log(`CHAOS_SEED=${seed} npm run test:chaos`);
  const market = await openMarket();

  load.sell(market.items, market.buyers, concurrency);
  const { injections, failed } = await injectAll(market);
  while (load.purchases < buys && market.items.length > 0) await pause(100);
  await load.stopSelling();
  await load.settle(90_000);

  const state = await cluster.finalState();
  const findings = check(history, state);
  log(`\n${table(injections, findings)}\n`);
  const reasons = unknownOutcomes();
  log(
    `${load.purchases} purchases by ${history.buys.length} requests; unknown outcomes: ${JSON.stringify(reasons)}`,
  );
  expect(failed).toEqual([]);
  // A dependency that fails is reported as unavailable, not as an internal error.
  expect(cluster.of("api").flatMap((member) => member.lines("INTERNAL, request"))).toEqual([]);
  expect(reasons).not.toHaveProperty("INTERNAL");
  expect(violationsOf(findings)).toEqual({});
  const traces = tracesOf(history, state);
  log(`The model judges ${distinct(traces).length} distinct traces of ${traces.length} items.`);
  expect(await violationsOfModel(traces)).toEqual([]);
  expect(load.purchases).toBeGreaterThanOrEqual(buys);
}, 900_000);

interface Market {
  items: string[];
  buyers: User[];
  /** A path of each surface, for a visitor with an account and an item. */
  paths: Record<Surface, string>;
  visitor: User;
}

async function openMarket(): Promise<Market> {
  const users = await load.newUsers(sellers);
  // More items than can be sold: the load must last as long as the faults.
  const perSeller = Math.ceil((buys * 1.5 + seconds * 100) / sellers);
  const items = await Promise.all(users.map((seller) => load.insertItems(seller, perSeller)));
  const nodes = cluster.of("notifications").map(({ name }) => name);
  // Every fourth seller has a device on each node, the rest have one device.
  await Promise.all(
    users.map((user, n) =>
      load.connectDevices(user, n % 4 === 0 ? nodes : [nodes[n % nodes.length]!]),
    ),
  );
  const visitor = await load.newUser();
  const [itemId] = await load.insertItems(visitor, 1);
  const account = {
    email: "visitor@souk.test",
    password: "correct horse battery",
    name: "Visitor",
  };
  const [api] = cluster.apis;
  const { body } = await request<{ user: { id: string } }>(
    api!,
    "POST",
    "/users",
    undefined,
    account,
  );
  const paths = {
    browse: `/market/items/${itemId}`,
    profile: `/users/${body.user.id}`,
    inbox: "/notifications",
  };
  return {
    items: shuffled(items.flat(), random),
    buyers: await load.newUsers(200),
    paths,
    visitor,
  };
}

async function injectAll(market: Market): Promise<{ injections: Injection[]; failed: string[] }> {
  const [injections, failed]: [Injection[], string[]] = [[], []];
  const end = now() + seconds * 1000;
  const faults = shuffled(allFaults(cluster, random, history), random).filter(({ name }) =>
    name.includes(only),
  );
  for (const fault of faults) {
    if (now() > end) break;
    await pause(1000 * random());
    try {
      const injection = await injectFault(fault, market);
      injections.push(injection);
      const { from, to, recovery } = injection;
      log(
        `${fault.name}: recovered after ${Math.round(recovery)} ms, healthy after ${Math.round(to - from)} ms; ${load.purchases} items sold`,
      );
    } catch (error) {
      failed.push(`${fault.name}: ${(error as Error).message}`);
    }
  }
  log(`${injections.length} of ${faults.length} faults were injected in ${seconds} s`);
  return { injections, failed };
}

async function injectFault(fault: Fault, market: Market): Promise<Injection> {
  const from = now();
  const probing = new AbortController();
  const probes = probe(fault, from, market, probing.signal);
  try {
    await fault.inject();
    await pause(fault.durationMs);
  } finally {
    // A probe during the recovery may reach a part that is not back yet.
    probing.abort();
    await fault.heal();
  }
  const recoveredAt = now();
  const { dependent } = fault;
  if (dependent)
    await eventually(() => isWorking(dependent, market), { within: healthyWithin, every: 10 });
  const recovery = now() - recoveredAt;
  await probes;
  await cluster.waitUntilHealthy(healthyWithin);
  return { name: fault.name, from, to: now(), recovery };
}

/** Repeats requests that must succeed, until `signal` aborts. */
async function probe(
  fault: Fault,
  from: number,
  { paths, visitor }: Market,
  signal: AbortSignal,
): Promise<void> {
  const apis = cluster.of("api").filter((member) => member !== fault.avoid);
  const probeOnce = async (surface: Surface, turn: number) => {
    const startedAt = now();
    const api = apis[turn % apis.length]!.node.api;
    const failure = await request(api, "GET", paths[surface], visitor.token).then(
      ({ status, body }) =>
        status === 200 ? undefined : `${status} ${body.code} during ${fault.name}`,
      (error: Error) => `${error.message} during ${fault.name}`,
    );
    const mustSucceed = startedAt - from >= fault.graceMs && !signal.aborted;
    history.probes.push({
      surface,
      startedAt,
      endedAt: now(),
      mustSucceed,
      ...(failure && { failure }),
    });
  };
  for (let turn = 0; !signal.aborted; turn++) {
    await Promise.all(fault.available.map((surface) => probeOnce(surface, turn)));
    await pause(100, undefined, { signal }).catch(() => {});
  }
}

/** Whether the surface works through every api. */
async function isWorking(surface: Surface, { paths, visitor }: Market): Promise<boolean> {
  const responses = await Promise.all(
    cluster.apis.map((api) => request(api, "GET", paths[surface], visitor.token)),
  );
  return responses.every(({ status }) => status === 200);
}

/** Number of unknown outcomes by reason. */
function unknownOutcomes(): Record<string, number> {
  const reasons = history.buys.flatMap(({ outcome }) =>
    outcome.type === "unknown" ? [outcome.reason] : [],
  );
  return Object.fromEntries(
    [...Map.groupBy(reasons, (reason) => reason)].map(([reason, list]) => [reason, list.length]),
  );
}
