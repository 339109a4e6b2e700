/** Each row of the table of gradual degradation: what is dead, what goes on, what is refused at once, and how soon it is back. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Session } from "../../contracts/users.ts";
import { password } from "../support/client.ts";
import { Device } from "../support/device.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, type Server } from "../../bin/processes/servers.ts";
import { check, faultsOf } from "./checker.ts";
import { newHistory, now } from "./history.ts";
import { crash, House, ownServers, revive, type Owner } from "./cluster-harness.ts";
import { ask, Load, type Answer, type Person } from "./load.ts";

/** The promises are 1 s and 2 s; a machine that runs other things too gets twice that, and what was measured is printed. */
const slack = 2;
const atOnce = 1_000 * slack;
const backWithin = 2_000 * slack;
/** How long each row is looked at while it lasts, and how often (ms): what is sold meanwhile is less than one inbox shows at once. */
const lasts = 3_000;
const every = 100;

let house: House;
let shop: Shop;
const measured: string[] = [];

beforeAll(async () => {
  house = await House.start({ api: 2, market: 2, notifications: 2, users: 1 }, await ownServers());
  shop = await openShop();
}, SERVER_START);

afterAll(async () => {
  for (const device of shop?.devices ?? []) device.close();
  await house?.stop();
  process.stderr.write(`${measured.join("\n")}\n`);
}, 60_000);

/** A seller with a device on each node of notifications, a buyer, and somebody with an account. */
interface Shop {
  load: Load;
  seller: Person;
  buyer: Person;
  session: Session & { idempotencyKey: string };
  devices: Device[];
  items: string[];
  sales: string[];
}

async function openShop(): Promise<Shop> {
  const load = new Load(house, newHistory());
  const [seller, buyer] = (await load.people(2)) as [Person, Person];
  const { body: session } = await ask<Session>(
    house.apis[0]!,
    "POST",
    "/users",
    undefined,
    account(),
  );
  const devices = house
    .of("notifications")
    .map(({ node }) => new Device(node.sockets, seller.token));
  for (const device of devices) await device.receives("inbox");
  return {
    load,
    seller,
    buyer,
    session: refreshable(session),
    devices,
    items: await load.stock(seller, 1_000),
    sales: [],
  };
}

const refreshable = (session: Session) => ({ ...session, idempotencyKey: randomUUID() });
const account = () => ({ email: `${randomUUID()}@souk.test`, password, name: "N" });

/** What a client can do, each with the answer that is its success. */
const surfaces = {
  browse: (api: string) => ask(api, "GET", `/market/items?sellerId=${shop.seller.id}&limit=5`),
  sell: (api: string) =>
    ask(api, "POST", "/market/items", shop.seller.token, { title: "A lamp", price: 4200 }),
  async buy(api: string) {
    const answer = await ask<{ saleId: string }>(
      api,
      "POST",
      `/market/buy/${shop.items.pop()}`,
      shop.buyer.token,
    );
    if (answer.status === 200) shop.sales.push(answer.body.saleId);
    return answer;
  },
  inbox: (api: string) => ask(api, "GET", "/notifications", shop.seller.token),
  register: (api: string) => ask(api, "POST", "/users", undefined, account()),
  login: (api: string) =>
    ask(api, "POST", "/users/login", undefined, { email: shop.session.user.email, password }),
  async refresh(api: string) {
    // Whatever dies under it: with its key it can be asked for until it is answered.
    const { refreshToken, idempotencyKey } = shop.session;
    const answer = await ask<Session>(api, "POST", "/users/refresh", undefined, {
      refreshToken,
      idempotencyKey,
    });
    if (answer.status === 200 && shop.session.refreshToken === refreshToken)
      shop.session = refreshable(answer.body);
    return answer;
  },
  /** A sale made now is shown by both devices. */
  async "live notices"(api: string) {
    const answer = await surfaces.buy(api);
    if (answer.status === 200)
      await Promise.all(shop.devices.map((device) => device.shows(answer.body.saleId, 5_000)));
    return answer;
  },
  /** A notice that comes by another way than a sale. */
  async "live sockets"() {
    const { id } = await house.broker.call<{ id: string }, object>("notifications.notify", {
      userId: shop.seller.id,
      text: "Hello",
    });
    await Promise.all(shop.devices.map((device) => device.shows(id, 5_000)));
    return { status: 200 };
  },
  async "open sockets"() {
    return { status: shop.devices.every(({ socket }) => socket.connected) ? 200 : 0 };
  },
};
type Surface = keyof typeof surfaces;

interface Row {
  dead: string;
  goesOn: Surface[];
  refused: Surface[];
  strike(): Promise<unknown>;
  heal(): Promise<unknown>;
}

const nodes = (service: Owner) => ({
  strike: () => Promise.all(house.of(service).map((member) => member.end("SIGKILL"))),
  heal: () => Promise.all(house.of(service).map((member) => member.start())),
});
const server = (of: () => Server) => ({
  strike: () => crash(house, of()),
  heal: () => revive(house, of()),
});
const database = (owner: Owner) => server(() => house.mongos[owner]);

type Columns = Pick<Row, "goesOn" | "refused">;
const withoutUsers: Columns = {
  goesOn: ["browse", "sell", "live notices", "inbox"],
  refused: ["register", "login", "refresh"],
};
const withoutNotifications: Columns = {
  goesOn: ["browse", "sell", "buy", "login"],
  refused: ["inbox"],
};
const withoutMarket: Columns = {
  goesOn: ["login", "inbox", "live sockets"],
  refused: ["browse", "sell", "buy"],
};
const withoutRabbit: Columns = {
  goesOn: ["open sockets"],
  refused: ["browse", "sell", "buy", "inbox", "register", "login"],
};

const rows: Row[] = [
  { dead: "users", ...withoutUsers, ...nodes("users") },
  { dead: "the database of users", ...withoutUsers, ...database("users") },
  { dead: "notifications", ...withoutNotifications, ...nodes("notifications") },
  { dead: "the database of notifications", ...withoutNotifications, ...database("notifications") },
  { dead: "market", ...withoutMarket, ...nodes("market") },
  { dead: "the database of market", ...withoutMarket, ...database("market") },
  { dead: "RabbitMQ", ...withoutRabbit, ...server(() => house.rabbit) },
];

type Seen = Pick<Answer<unknown>, "status"> & Partial<Answer<{ code?: string }>>;

async function timed(surface: Surface, turn: number): Promise<{ answer: Seen; ms: number }> {
  const begun = now();
  const answer: Seen = await surfaces[surface](house.apis[turn % house.apis.length]!);
  return { answer, ms: now() - begun };
}

const isSuccess = ({ status }: Seen) => status === 200 || status === 201;

/** All that a device has shown, pushed to it or found in its inbox. */
const knows = (device: Device) =>
  new Set(
    [
      ...device.received("notification"),
      ...device.received("inbox").flatMap(({ notifications }) => notifications),
    ].map(({ id }) => id),
  );

/** Asks for it again and again until `until` (ms on the history's clock). */
async function repeat(
  surface: Surface,
  until: number,
  look: (answer: Seen, ms: number) => void,
): Promise<void> {
  for (let turn = 0; now() < until; turn++) {
    const { answer, ms } = await timed(surface, turn);
    look(answer, ms);
    await pause(every);
  }
}

describe("while one part is dead", () => {
  it.each(rows.map((row) => ({ ...row, on: row.goesOn.join(", "), off: row.refused.join(", ") })))(
    "$dead: $on go on; $off are refused at once, and back soon after its return",
    async ({ dead, goesOn, refused, strike, heal }) => {
      let slowest = 0;
      const wrong: string[] = [];
      await strike();
      const until = now() + lasts;
      await Promise.all([
        ...goesOn.map((surface) =>
          repeat(surface, until, (answer) => {
            if (!isSuccess(answer)) wrong.push(`${surface}: ${answer.status} ${answer.body?.code}`);
          }),
        ),
        ...refused.map((surface) =>
          repeat(surface, until, ({ status, body, headers }, ms) => {
            slowest = Math.max(slowest, ms);
            if (
              status !== 503 ||
              body?.code !== "UNAVAILABLE" ||
              !(Number(headers?.get("retry-after")) >= 1) ||
              ms > atOnce
            )
              wrong.push(
                `${surface}: ${status} ${body?.code}, Retry-After ${headers?.get("retry-after")}, after ${Math.round(ms)} ms`,
              );
          }),
        ),
      ]);

      await heal();
      const healed = now();
      const back = await Promise.all(
        refused.map(async (surface) => {
          await eventually(async () => isSuccess((await timed(surface, 0)).answer), {
            within: 20_000,
          });
          return now() - healed;
        }),
      );
      measured.push(
        `${dead}: refused within ${Math.round(slowest)} ms; all back after ${Math.round(Math.max(...back))} ms`,
      );
      await house.isWell();
      expect(wrong).toEqual([]);
      expect(Math.max(...back)).toBeLessThan(backWithin);
      // Every notice of a sale made meanwhile arrives.
      for (const device of shop.devices)
        for (const saleId of shop.sales)
          await eventually(() => knows(device).has(saleId), { within: 20_000 });
    },
    120_000,
  );

  it.each(["SIGKILL", "SIGSTOP"] as const)(
    "one node of several (%s): everything goes on, after 2 s at most",
    async (signal) => {
      for (const service of ["market", "notifications"] as const) {
        const member = house.get(`${service}-1`);
        const failures: number[] = [];
        const struck = now();
        const looking = (["browse", "buy", "inbox", "login"] as const).map((surface) =>
          repeat(surface, struck + 6_000, (answer, ms) => {
            // When it was asked.
            if (!isSuccess(answer)) failures.push(now() - ms - struck);
          }),
        );
        member.node.child.kill(signal);
        await Promise.all(looking);
        if (signal === "SIGSTOP") member.thaw();
        else {
          await member.end();
          await member.start();
        }
        const last = Math.max(0, ...failures);
        measured.push(
          `one node of ${service}, ${signal}: ${failures.length} calls failed, the last was begun ${Math.round(last)} ms after`,
        );
        expect(last).toBeLessThan(2_500);
        await house.isWell();
      }
    },
    120_000,
  );
});

describe("a rolling restart under load", () => {
  it("of both nodes of each service in turn answers nothing with a 5xx, and loses nothing", async () => {
    const history = newHistory();
    const load = new Load(house, history);
    const sellers = await load.people(4);
    const items = (await Promise.all(sellers.map((seller) => load.stock(seller, 5_000)))).flat();
    await Promise.all(
      sellers.map((seller) => load.devices(seller, ["notifications-1", "notifications-2"])),
    );
    const looks: string[] = [];
    const looking = new AbortController();
    const look = (async () => {
      for (let turn = 0; !looking.signal.aborted; turn++)
        for (const surface of ["browse", "inbox"] as const) {
          const { answer } = await timed(surface, turn);
          if (!isSuccess(answer)) looks.push(`${surface}: ${answer.status} ${answer.body?.code}`);
        }
    })();
    load.sell(items, await load.people(20), 8);

    for (const name of ["market-1", "market-2", "notifications-1", "notifications-2"]) {
      const member = house.get(name);
      const begun = load.purchases;
      const stopping = now();
      expect(await member.end("SIGTERM")).toBe(0);
      measured.push(`${name} leaves ${Math.round(now() - stopping)} ms after SIGTERM`);
      await member.start();
      await house.isWell();
      await eventually(() => load.purchases > begun + 20, { within: 20_000 });
    }

    looking.abort();
    await look;
    await load.finish();
    await load.settle(40_000);
    load.close();
    const unknown = history.buys.flatMap(({ outcome }) =>
      outcome.is === "unknown" ? [outcome.why] : [],
    );
    measured.push(
      `rolling restart: ${history.buys.length} buys, ${unknown.length} without a definite answer`,
    );
    expect([...unknown, ...looks]).toEqual([]);
    expect(faultsOf(check(history, await load.remains()))).toEqual({});
  }, 180_000);

  it("of both nodes of api in turn answers whatever a node has taken, when clients pass over a node that takes nothing", async () => {
    shop.items.push(...(await shop.load.stock(shop.seller, 5_000)));
    const failures: string[] = [];
    let answered = 0;
    let reset = 0;
    const clients = new AbortController();
    const client = async (first: number) => {
      for (let turn = first; !clients.signal.aborted; turn++)
        await timed(turn % 2 ? "buy" : "browse", turn).then(
          ({ answer }) =>
            isSuccess(answer) ? answered++ : failures.push(`${answer.status} ${answer.body?.code}`),
          ({ cause, message }: Error & { cause?: NodeJS.ErrnoException }) => {
            if (cause?.code === "ECONNRESET") reset++;
            else if (cause?.code !== "ECONNREFUSED") failures.push(`${message}: ${cause?.code}`);
          },
        );
    };
    const load = Array.from({ length: 8 }, (_, n) => client(n));

    for (const name of ["api-1", "api-2"]) {
      const member = house.get(name);
      expect(await member.end("SIGTERM")).toBe(0);
      await member.start();
      await house.isWell();
      const before = answered;
      await eventually(() => answered > before + 50, { within: 20_000 });
    }

    clients.abort();
    await Promise.all(load);
    measured.push(`rolling restart of api: ${answered} answers, ${reset} connections reset`);
    expect(failures).toEqual([]);
    // The system makes connections before the node takes them: those of the instant in which it stops taking any are reset.
    expect(reset).toBeLessThanOrEqual(2);
  }, 60_000);
});
