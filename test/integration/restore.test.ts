/** One database of an embedded market is restored from an older copy, and the others are brought back to agreement, by docs/backup.md. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";
import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client } from "../support/client.ts";
import { block, follow } from "../support/docs.ts";

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder();
const data = join(folder.path, "data");
/** The market's folder after the story. */
const latest = join(folder.path, "latest");
const environment = { DATA_DIR: data, RATE_SCALE: "1000", LOG_LEVEL: "error" };
/** The blocks of the page run in a folder like Souk's, with its own `data` and `backup`. */
for (const name of readdirSync(root).filter((one) => !["data", "backup"].includes(one)))
  symlinkSync(join(root, name), join(folder.path, name));
const nodes: Node[] = [];
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.end("SIGKILL")));
  folder.remove();
});

async function start(): Promise<Node> {
  const node = await startNode([], environment);
  nodes.push(node);
  return node;
}

/** Runs a block of the page, and resolves with what it prints. */
async function run(name: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-euc", block("docs/backup.md", name)], {
    cwd: folder.path,
    env: { ...process.env, ...environment, AMQP_URL: "", MONGO_URL: "", ...env },
  });
  return stdout;
}

const salesOf = async (client: Client) =>
  (await client.call<{ sales: Sale[] }>("GET", "/market/sales")).body.sales;
const inboxOf = async (client: Client, query = "") =>
  (await client.call<Inbox>("GET", `/notifications${query}`)).body.notifications.map(
    ({ id }) => id,
  );
const buy = async (client: Client, { id }: Item) =>
  (await client.call<{ saleId: string }>("POST", `/market/buy/${id}`)).body.saleId;

/** A sale before the copy and two after it, one of them of a new item. After it one session ends, too. */
async function story() {
  const { api, end } = await start();
  const [seller, buyer] = [await Client.registered(api), await Client.registered(api)];
  const device = await Client.registered(api);
  const items = [await seller.offer({ title: "Lamp" }), await seller.offer({ title: "Rug" })];
  const saleIds = [await buy(buyer, items[0]!)];
  await eventually(async () => expect(await inboxOf(seller)).toEqual(saleIds));
  const since = new Date().toISOString();
  await run("sh backup-files");

  items.push(await seller.offer({ title: "Bowl", description: "Blue" }));
  saleIds.push(await buy(buyer, items[1]!), await buy(buyer, items[2]!));
  await eventually(async () => expect(await inboxOf(seller)).toEqual(saleIds.toReversed()));
  await seller.call("POST", "/notifications/read", { ids: [saleIds[0]] });
  const { refreshToken } = device.session!;
  expect((await device.call("POST", "/users/logout", { refreshToken })).status).toBe(204);
  const sales = await salesOf(seller);
  await end();
  cpSync(data, latest, { recursive: true });
  return { seller, buyer, device, items, saleIds, sales, since };
}

/** Restores a service from the copy, and replays one since then. */
async function restore(restored: string, replayed: string, since: string): Promise<string> {
  follow("backup.md", "restore-one", folder.path, { NAME: restored });
  return run("sh replay", { NAME: replayed, SINCE: since });
}

let told: Awaited<ReturnType<typeof story>>;
beforeAll(async () => void (told = await story()), 90_000);
beforeEach(() => {
  rmSync(data, { recursive: true });
  mkdirSync(data, { mode: 0o700 });
  cpSync(latest, data, { recursive: true });
});

it("sends the notices again that a restored copy of notifications lacks", async () => {
  const { seller, saleIds, since } = told;
  expect(await restore("notifications", "market", since)).toContain(
    "2 sales whose notices are sent again.",
  );

  const { api, end } = await start();
  const client = new Client(api, seller.session);
  await eventually(async () =>
    expect((await inboxOf(client)).toSorted()).toEqual(saleIds.toSorted()),
  );
  await end();
});

it("sells again what a restored copy of market lacks, and ends the sessions of a restored copy of users", async () => {
  const { seller, buyer, device, items, saleIds, sales, since } = told;
  const printed = await restore("market", "notifications", since);
  expect(printed).toContain("2 sales restored, 0 not restored.");
  expect(await restore("users", "users", since)).toMatch(/\d sessions ended\./);

  const { api, end } = await start();
  const { refreshToken } = device.session!;
  expect((await new Client(api).call("POST", "/users/refresh", { refreshToken })).status).toBe(401);
  const again = new Client(api);
  const { email } = seller.session!.user;
  again.session = (
    await again.call<typeof seller.session>("POST", "/users/login", {
      email,
      password: "correct horse battery",
    })
  ).body;
  expect(await salesOf(again)).toEqual(sales);
  expect((await inboxOf(again, "?unread=true")).toSorted()).toEqual(saleIds.slice(1).toSorted());
  const other = await Client.registered(api);
  for (const item of items)
    expect((await other.call("POST", `/market/buy/${item.id}`)).body).toMatchObject({
      code: "ITEM_SOLD",
    });
  const bought = new Client(api);
  const login = { email: buyer.session!.user.email, password: "correct horse battery" };
  bought.session = (await bought.call<typeof buyer.session>("POST", "/users/login", login)).body;
  for (const [n, item] of items.entries()) expect(await buy(bought, item)).toBe(saleIds[n]);
  await end();
});

it.each([
  [["market"], "Name a service and a time: npm run replay -- market 2026-11-28T09:30:00Z"],
  [["api", "2026-11-28"], "Name a service and a time"],
])("refuses %j with a sentence", async (args, message) => {
  const replay = promisify(execFile)(process.execPath, [join(root, "bin/replay.ts"), ...args], {
    env: { ...process.env, ...environment, AMQP_URL: "", MONGO_URL: "" },
  });
  await expect(replay).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message),
  });
});
