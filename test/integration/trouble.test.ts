/** Files of a running embedded market that go away, break or are held by another program. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { spawnNode } from "../../bin/processes/node-process.ts";
import { Client, newAccount, password } from "../support/client.ts";
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
    // A database is opened again at most every 500 ms.
    for (const since = performance.now(); performance.now() - since < 1200;)
      expect(await buy(item.id)).toBe(503);
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

/** Overwrites a file and its log in place, from the page after the first on. */
function wreck(service: string): void {
  for (const suffix of ["", "-wal"]) {
    const file = join(market.dataDir, `${service}.sqlite${suffix}`);
    const { size } = statSync(file);
    writeFileSync(file, "This is no page. ".repeat(Math.ceil(size / 17)).slice(0, size), {
      flag: "r+",
    });
  }
}

it.each(["users", "market"])(
  "serves the other services while the file of %s is broken, and is refused with one sentence afterwards",
  async (broken) => {
    const items = await Promise.all(Array.from({ length: 20 }, () => seller.offer()));
    const { email } = seller.session!.user;
    const requests: [service: string, call: () => Promise<number>][] = [
      [
        "users",
        async () => (await new Client(market.api).call("POST", "/users", newAccount())).status,
      ],
      [
        "users",
        async () =>
          (await new Client(market.api).call("POST", "/users/login", { email, password })).status,
      ],
      ...items.map(({ id }): [string, () => Promise<number>] => ["market", () => buy(id)]),
      ["market", async () => (await buyer.call("GET", "/market/items")).status],
      ["notifications", async () => (await buyer.call("GET", "/notifications")).status],
    ];
    wreck(broken);
    for (const [service, call] of requests)
      if (service === broken) expect([200, 201, 503]).toContain(await call());
      else expect([200, 201]).toContain(await call());

    await market.end("SIGKILL");
    const again = spawnNode([], { DATA_DIR: market.dataDir });
    await eventually(() => expect(again.child.exitCode).toBe(1), { within: 60_000 });
    expect(again.output().trim()).toMatch(
      new RegExp(`^\\S+${broken}\\.sqlite cannot be used as a database: [^\\n]+\\.$`),
    );
  },
  90_000,
);
