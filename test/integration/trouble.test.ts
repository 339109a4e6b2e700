/** Files of a running embedded market that go away or are held by another program. */
import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";

let market: Market;
let seller: Client;
let buyer: Client;
beforeEach(async () => {
  market = await startMarket();
  [seller, buyer] = [await Client.registered(market.api), await Client.registered(market.api)];
}, 60_000);
afterEach(() => market.close());

const ready = async () => (await fetch(`${market.api}/health/ready`)).status;
const buy = async (id: string) => (await buyer.call("POST", `/market/buy/${id}`)).status;

it("answers 503 while its folder is renamed or replaced by an empty one, creates nothing, and serves again when it is back", async () => {
  const item = await seller.offer();
  const moved = `${market.dataDir}-moved`;
  renameSync(market.dataDir, moved);
  for (const isReplaced of [false, true]) {
    if (isReplaced) mkdirSync(market.dataDir);
    expect(await buy(item.id)).toBe(503);
    expect((await buyer.call("GET", "/market/items")).status).toBe(503);
    expect(await ready()).toBe(503);
  }
  expect(readdirSync(market.dataDir)).toEqual([]);
  rmSync(market.dataDir, { recursive: true });
  renameSync(moved, market.dataDir);
  await eventually(async () => expect(await buy(item.id)).toBe(200), { within: 20_000 });
  await eventually(async () => expect(await ready()).toBe(200), { within: 20_000 });
}, 60_000);

it("sells while another program holds the file of notifications, and delivers the notices afterwards", async () => {
  const items = [await seller.offer(), await seller.offer()];
  const holder = new DatabaseSync(join(market.dataDir, "notifications.sqlite"));
  holder.exec("BEGIN IMMEDIATE");
  for (const { id } of items) expect(await buy(id)).toBe(200);
  await eventually(async () => expect(await ready()).toBe(503), { within: 20_000 });
  holder.exec("ROLLBACK");
  holder.close();
  await eventually(
    async () => expect((await seller.call<Inbox>("GET", "/notifications")).body.unread).toBe(2),
    { within: 30_000 },
  );
}, 60_000);
