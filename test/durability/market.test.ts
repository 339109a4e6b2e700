/** An embedded market as a whole: killed in the middle of its work, without power, without room. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import {
  spawnNode,
  startNode,
  temporaryFolder,
  type Node,
} from "../../bin/processes/node-process.ts";
import { seeded } from "../chaos/random.ts";
import type { Fault } from "../faults/control.ts";
import { Disk } from "../faults/disk.ts";
import { Client, newAccount, type Answer } from "../support/client.ts";

/** How often the market is killed in the middle of 1,000 buys. */
const kills = Number(process.env.DURABILITY_KILLS ?? 3);
const scale = Number(process.env.DURABILITY_SCALE ?? 1);

const lamp = { title: "A lamp", price: 4200 };

type Bought = { ok: true; saleId: string };

const folder = temporaryFolder();
const nodes: Node[] = [];
let disk: Disk;
let tests = 0;
beforeEach(() => {
  const path = join(folder.path, `${tests++}`);
  mkdirSync(path);
  disk = new Disk(path);
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.end("SIGKILL");
  disk.remove();
});
afterAll(() => folder.remove());

const environment = (where = disk.folder) => ({
  DATA_DIR: join(where, "data"),
  RATE_SCALE: "1000000",
});

async function start(options = {}): Promise<Node> {
  const node = await startNode([], { ...environment(), ...disk.environment(options) });
  nodes.push(node);
  return node;
}

/** A whole list, page by page. */
async function all<T>(client: Client, path: string, pick: (body: never) => T[]): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = "";
  do {
    const { body }: Answer<{ nextCursor: string | null }> = await client.call(
      "GET",
      `${path}?limit=100${cursor && `&cursor=${cursor}`}`,
    );
    found.push(...pick(body as never));
    cursor = body.nextCursor;
  } while (cursor);
  return found;
}

const salesOf = (seller: Client) =>
  all(seller, "/market/sales", ({ sales }: { sales: Sale[] }) => sales);
const noticesOf = (seller: Client) =>
  all(seller, "/notifications", ({ notifications }: Inbox) => notifications);

async function offers(seller: Client, count: number): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < count)
    items.push(...(await Promise.all(Array.from({ length: 50 }, () => seller.offer()))));
  return items;
}

/** Every acknowledged sale is there, once, and the seller has one notice of every sale. */
async function checkSales(seller: Client, sold: Map<string, { buyer: Client; saleId: string }>) {
  await Promise.all(
    [...sold].map(async ([id, { buyer, saleId }]) => {
      const again = new Client(seller.api, buyer.session);
      const { status, body } = await again.call<Bought>("POST", `/market/buy/${id}`);
      expect([status, body.saleId]).toEqual([200, saleId]);
    }),
  );
  const sales = await salesOf(seller);
  expect(new Set(sales.map(({ itemId }) => itemId)).size).toBe(sales.length);
  expect(sales.map(({ id }) => id)).toEqual(
    expect.arrayContaining([...sold.values()].map(({ saleId }) => saleId)),
  );
  await eventually(
    async () => {
      const notices = (await noticesOf(seller)).map(({ id }) => id);
      expect(notices.sort()).toEqual(sales.map(({ id }) => id).sort());
    },
    { within: 60_000, every: 200 },
  );
  return sales.length;
}

describe("an embedded market", () => {
  it("keeps every acknowledged sale and notice when it is killed in 1,000 buys and the power fails", async () => {
    const random = seeded(Number(process.env.DURABILITY_SEED ?? 1));
    const counts = { kills: 0, acknowledged: 0, sales: 0 };
    for (; counts.kills < kills; counts.kills++) {
      const market = await start();
      const seller = await Client.registered(market.api);
      const buyers = await Promise.all(
        Array.from({ length: 10 }, () => Client.registered(market.api)),
      );
      const items = await offers(seller, 1000);
      const last = 50 + Math.floor(random() * 850);
      const sold = new Map<string, { buyer: Client; saleId: string }>();
      const buying = items.map(async ({ id }, n) => {
        const buyer = buyers[n % buyers.length]!;
        const { status, body } = await buyer.call<Bought>("POST", `/market/buy/${id}`);
        if (status === 200) sold.set(id, { buyer, saleId: body.saleId });
        if (sold.size === last) market.child.kill("SIGKILL");
      });
      await Promise.allSettled(buying);
      expect(await market.end()).toBe("SIGKILL");
      // Every fourth time the power stays on.
      if (counts.kills % 4 === 3) disk.restart();
      else disk.powerCut(Math.floor(random() * 1e6));

      const again = await start();
      counts.acknowledged += sold.size;
      counts.sales += await checkSales(new Client(again.api, seller.session), sold);
      expect(await again.end()).toBe(0);
      disk.restart();
    }
    console.info(JSON.stringify(counts));
  }, 3_600_000);

  it("starts after a power cut at any moment of its first start and of its first sales", async () => {
    const market = await start();
    const seller = await Client.registered(market.api);
    const buyer = await Client.registered(market.api);
    for (let n = 0; n < 10; n++) {
      const { id } = await seller.offer();
      await buyer.call("POST", `/market/buy/${id}`);
    }
    await market.end("SIGKILL");
    await disk.eachPowerCut(8 * scale, 1, async (_printed, found) => {
      const again = await startNode([], environment(found));
      nodes.push(again);
      const { status } = await new Client(again.api).call("GET", "/market/items");
      expect(status).toBe(200);
      const back = new Client(again.api, seller.session);
      if ((await back.call("GET", "/users/me")).status === 200) await checkSales(back, new Map());
      expect(await again.end()).toBe(0);
    });
  }, 600_000);

  it("keeps its sessions and its sales through a power cut right after a sale", async () => {
    for (let seed = 0; seed < 3 * scale; seed++) {
      const market = await start();
      const seller = await Client.registered(market.api);
      const buyer = await Client.registered(market.api);
      const { id } = await seller.offer();
      const { body } = await buyer.call<Bought>("POST", `/market/buy/${id}`);
      await market.end("SIGKILL");
      disk.powerCut(seed);
      const again = await start();
      const back = new Client(again.api, seller.session);
      expect(await checkSales(back, new Map([[id, { buyer, saleId: body.saleId }]]))).toBe(1);
      await again.end("SIGKILL");
      rmSync(join(disk.folder, "data"), { recursive: true });
      disk.remove();
      disk = new Disk(disk.folder);
    }
  }, 600_000);

  it.each<[string, Fault]>([
    ["the disk is full", { operations: ["extend", "create"], error: "ENOSPC" }],
    ["every write fails", { operations: ["write"], error: "EIO" }],
    ["every sync fails", { operations: ["sync"], error: "EIO" }],
    [
      "the disk is read-only",
      { operations: ["write", "truncate", "open-to-write", "unlink"], error: "EROFS" },
    ],
  ])(
    "is not ready and refuses buys with 503 while %s, and sells again afterwards",
    async (_name, fault) => {
      const market = await start({ recording: false });
      const seller = await Client.registered(market.api);
      const buyer = await Client.registered(market.api);
      const items = await offers(seller, 50);
      const sold = new Map<string, { buyer: Client; saleId: string }>();
      const buy = async ({ id }: Item) => {
        const { status, body } = await buyer.call<Bought>("POST", `/market/buy/${id}`);
        if (status === 200) sold.set(id, { buyer, saleId: body.saleId });
        return status;
      };
      expect(await buy(items[0]!)).toBe(200);

      const ready = async () => (await fetch(`${market.api}/health/ready`)).status;
      disk.fail(fault);
      // Without any sale: a check alone finds it.
      await eventually(async () => expect(await ready()).toBe(503), { within: 20_000 });
      const statuses = new Set<number>();
      for (const item of items.slice(1, 30)) statuses.add(await buy(item));
      expect([...statuses].filter((status) => status !== 200)).toEqual([503]);

      disk.mend();
      await eventually(async () => expect(await buy(items[30]!)).toBe(200), { within: 60_000 });
      await eventually(async () => expect(await ready()).toBe(200), { within: 60_000 });
      expect(await market.end("SIGKILL")).toBe("SIGKILL");
      const again = await start({ recording: false });
      expect(await checkSales(new Client(again.api, seller.session), sold)).toBeGreaterThan(1);
    },
    120_000,
  );

  it("serves lists while the disk is full, also those that arrive together with buys", async () => {
    const market = await start({ recording: false });
    const [seller, buyer] = [
      await Client.registered(market.api),
      await Client.registered(market.api),
    ];
    const items = await offers(seller, 50);
    disk.fail({ operations: ["extend", "create"], error: "ENOSPC" });
    const [buys, lists] = await Promise.all([
      Promise.all(items.map(({ id }) => buyer.call("POST", `/market/buy/${id}`))),
      Promise.all(items.map(() => buyer.call("GET", "/market/items"))),
    ]);
    expect(new Set(buys.map(({ status }) => status))).toContain(503);
    expect(new Set(lists.map(({ status }) => status))).toEqual(new Set([200]));
  }, 120_000);

  it.each(["market", "users", "notifications"])(
    "serves the other services while the file of %s cannot be written",
    async (broken) => {
      const market = await start({ recording: false });
      const client = await Client.registered(market.api);
      const requests = [
        { service: "users", call: () => client.call("POST", "/users", newAccount()) },
        { service: "market", call: () => client.call("POST", "/market/items", lamp) },
        { service: "market", call: () => client.call("GET", "/market/items") },
        { service: "notifications", call: () => client.call("GET", "/notifications") },
      ];
      disk.fail({ operations: ["write", "sync"], error: "EIO", path: `${broken}.sqlite` });
      for (const { service, call } of requests) {
        const { status } = await call();
        if (service !== broken) expect([200, 201]).toContain(status);
        else if (status !== 200) expect(status).toBe(503);
      }

      disk.mend();
      for (const { call } of requests)
        await eventually(async () => expect([200, 201]).toContain((await call()).status), {
          within: 60_000,
        });
    },
    120_000,
  );

  it("acknowledges nothing after its folder was deleted", async () => {
    const market = await start({ recording: false });
    const seller = await Client.registered(market.api);
    const buyer = await Client.registered(market.api);
    const items = await offers(seller, 50);
    rmSync(join(disk.folder, "data"), { recursive: true });
    const statuses = await Promise.all(
      items.map(async ({ id }) => (await buyer.call("POST", `/market/buy/${id}`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([503]));
    expect((await new Client(market.api).call("POST", "/users", newAccount())).status).toBe(503);
  }, 120_000);

  it("refuses to start on a read-only disk, in one sentence", async () => {
    await (await start({ recording: false })).end();
    disk.fail({ operations: ["open-to-write", "create", "unlink", "mkdir"], error: "EROFS" });
    const node = spawnNode([], { ...environment(), ...disk.environment({ recording: false }) });
    expect(await node.end("SIGCONT")).toBe(1);
    expect(node.output()).toMatch(/^[^\n]*cannot be [^\n]*\.\n$/);
  }, 120_000);
});
