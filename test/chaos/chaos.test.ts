/**
 * The market under load while everything it stands on dies, freezes, falls silent and comes back, in an order drawn from a seed.
 * CHAOS_SEED replays an order, CHAOS_SECONDS ends it early, CHAOS_BUYS is how many purchases there must be.
 */
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START } from "../../bin/processes/servers.ts";
import { check, faultsOf } from "./checker.ts";
import { catalogue, type Fault, type Surface } from "./faults.ts";
import { newHistory, now, type Probe } from "./history.ts";
import { House, ownServers } from "./cluster-harness.ts";
import { ask, Load, type Person } from "./load.ts";
import { seeded, shuffled } from "./random.ts";
import { table, type Strike } from "./report.ts";

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const seconds = Number(process.env.CHAOS_SECONDS ?? 330);
const buys = Number(process.env.CHAOS_BUYS ?? 10_000);
/** Only faults whose names have this in them. */
const only = process.env.CHAOS_ONLY ?? "";

const sellers = 24;
const lanes = 12;
/** A house that is not well by then, after a fault has ended, will not be (ms). */
const wellWithin = 30_000;

let house: House;
let load: Load;
const history = newHistory();
const random = seeded(seed);
const say = (line: string) => void process.stderr.write(`${line}\n`);

beforeAll(async () => {
  house = await House.start({ api: 2, market: 2, notifications: 2, users: 1 }, await ownServers());
  load = new Load(house, history, random);
}, SERVER_START);

afterAll(async () => {
  load?.close();
  await house?.stop();
}, 60_000);

it(`sells nothing twice and loses no notice, whatever dies (CHAOS_SEED=${seed} npm run test:chaos)`, async () => {
  say(`CHAOS_SEED=${seed} npm run test:chaos`);
  const market = await opened();
  const strikes: Strike[] = [];
  const failed: string[] = [];
  const end = now() + seconds * 1000;
  const faults = shuffled(catalogue(house, random), random).filter(({ name }) =>
    name.includes(only),
  );

  load.sell(market.items, market.buyers, lanes);
  for (const fault of faults) {
    if (now() > end) break;
    await pause(1000 * random());
    await suffer(fault, market).then(
      (strike) => {
        strikes.push(strike);
        say(
          `${fault.name}: back after ${Math.round(strike.recovery)} ms, well after ${Math.round(strike.to - strike.from)} ms; ${load.purchases} sold`,
        );
      },
      (error: Error) => failed.push(`${fault.name}: ${error.message}`),
    );
  }
  say(`${strikes.length} of ${faults.length} faults struck in ${seconds} s`);
  while (load.purchases < buys && market.items.length > 0) await pause(100);
  await load.finish();
  await load.settle(90_000);

  const findings = check(history, await house.remains());
  say(`\n${table(strikes, findings)}\n`);
  const unknown = history.buys.flatMap(({ outcome }) =>
    outcome.is === "unknown" ? [outcome.why] : [],
  );
  const whys = Object.fromEntries(
    [...Map.groupBy(unknown, (why) => why)].map(([why, list]) => [why, list.length]),
  );
  say(
    `${load.purchases} purchases by ${history.buys.length} requests; of unknown outcome: ${JSON.stringify(whys)}`,
  );
  expect(failed).toEqual([]);
  // What is away is said to be away: nothing that dies is a fault that nobody foresaw.
  expect(house.of("api").flatMap((member) => member.lines("INTERNAL, request"))).toEqual([]);
  expect(whys).not.toHaveProperty("INTERNAL");
  expect(faultsOf(findings)).toEqual({});
  expect(load.purchases).toBeGreaterThanOrEqual(buys);
}, 900_000);

interface Market {
  items: string[];
  buyers: Person[];
  /** Of somebody who has an account and an item. */
  paths: Record<Surface, string>;
  visitor: Person;
}

async function opened(): Promise<Market> {
  const people = await load.people(sellers);
  // More than can be sold: the load lasts as long as the faults do.
  const stock = await Promise.all(
    people.map((seller) => load.stock(seller, Math.ceil((buys * 1.5 + seconds * 100) / sellers))),
  );
  const nodes = house.of("notifications").map(({ name }) => name);
  // Every fourth has a device on each node, the others one on one of them.
  await Promise.all(
    people.map((person, n) =>
      load.devices(person, n % 4 === 0 ? nodes : [nodes[n % nodes.length]!]),
    ),
  );
  const visitor = await load.person();
  const [shown] = await load.stock(visitor, 1);
  const account = {
    email: "visitor@souk.test",
    password: "correct horse battery",
    name: "Visitor",
  };
  const { body } = await ask<{ user: { id: string } }>(
    house.apis[0]!,
    "POST",
    "/users",
    undefined,
    account,
  );
  const paths = {
    browse: `/market/items/${shown}`,
    profile: `/users/${body.user.id}`,
    inbox: "/notifications",
  };
  return { items: shuffled(stock.flat(), random), buyers: await load.people(200), paths, visitor };
}

async function suffer(fault: Fault, market: Market): Promise<Strike> {
  const from = now();
  const probing = new AbortController();
  const probes = watch(fault, from, market, probing.signal);
  try {
    await fault.strike();
    await pause(fault.lasts);
  } finally {
    // What is asked while it heals may be asked of a part that is not back yet.
    probing.abort();
    await fault.heal();
  }
  const healed = now();
  await eventually(() => works(fault.dependent, market), { within: wellWithin, every: 10 });
  const recovery = now() - healed;
  await probes;
  await house.isWell(wellWithin);
  return { name: fault.name, from, to: now(), recovery };
}

/** Asks for what must go on, again and again. */
async function watch(
  fault: Fault,
  from: number,
  market: Market,
  signal: AbortSignal,
): Promise<void> {
  const apis = house.of("api").filter((member) => member !== fault.avoid);
  const one = async (what: Surface, turn: number) => {
    const begun = now();
    const api = apis[turn % apis.length]!.node.api;
    const failure = await ask(api, "GET", market.paths[what], market.visitor.token).then(
      ({ status, body }) =>
        status === 200 ? undefined : `${status} ${body.code} during ${fault.name}`,
      (error: Error) => `${error.message} during ${fault.name}`,
    );
    const mustWork = begun - from >= fault.grace && !signal.aborted;
    history.probes.push({
      what,
      begun,
      ended: now(),
      mustWork,
      ...(failure && { failure }),
    } satisfies Probe);
  };
  for (let turn = 0; !signal.aborted; turn++) {
    await Promise.all(fault.goesOn.map((what) => one(what, turn)));
    await pause(100, undefined, { signal }).catch(() => {});
  }
}

/** Through every api. */
async function works(surface: Surface, { paths, visitor }: Market): Promise<boolean> {
  const answers = await Promise.all(
    house.apis.map((api) => ask(api, "GET", paths[surface], visitor.token)),
  );
  return answers.every(({ status }) => status === 200);
}
