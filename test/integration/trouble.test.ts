/** Files of a running embedded market that go away, break or are held by another program. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { spawnNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client, newAccount, password } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";

let market: Market;
let seller: Client;
let buyer: Client;
beforeEach(async () => {
  market = await startMarket();
  [seller, buyer] = [await Client.registered(market.api), await Client.registered(market.api)];
});
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
});

it("answers 503 while its volume is unmounted, and serves again when it is mounted", async () => {
  await market.end("SIGKILL");
  const [volume, folder] = [market.dataDir, temporaryFolder()];
  const mount = `mount --bind ${volume} ${folder.path}`;
  const child = spawn(
    "unshare",
    ["--mount", "sh", "-euc", `${mount}; exec ${process.execPath} bin/service.ts`],
    {
      cwd: join(import.meta.dirname, "../.."),
      env: { PATH: process.env.PATH, DATA_DIR: folder.path, PORT: "0", SOCKET_PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const inside = (command: string) =>
    execFileSync("nsenter", ["--mount", "--target", `${child.pid}`, "sh", "-euc", command]);
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  try {
    const api = await eventually(() => /HTTP at (http[^\s,;]+)/.exec(output)![1]!, {
      within: 60_000,
    });
    const status = async (path: string) => (await fetch(api + path)).status;
    await eventually(async () => expect(await status("/health/ready")).toBe(200), {
      within: 20_000,
    });

    inside(`umount --lazy ${folder.path}`);
    await eventually(async () => expect(await status("/health/ready")).toBe(503), {
      within: 20_000,
    });
    await eventually(async () => expect(await status("/market/items")).toBe(503), {
      within: 20_000,
    });
    expect(inside(`ls ${folder.path}`).toString()).toBe("");

    inside(mount);
    await eventually(async () => expect(await status("/market/items")).toBe(200), {
      within: 20_000,
    });
    await eventually(async () => expect(await status("/health/ready")).toBe(200), {
      within: 20_000,
    });
  } finally {
    child.kill("SIGKILL");
    folder.remove();
  }
});

it("starts while another program holds the file of notifications, and delivers the notices afterwards", async () => {
  const item = await seller.offer();
  await market.end("SIGKILL");
  const holder = new DatabaseSync(join(market.dataDir, "notifications.sqlite"));
  holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  await restart();
  const [buyerAgain, sellerAgain] = [buyer, seller].map(
    ({ session }) => new Client(market.api, session),
  );
  expect((await buyerAgain!.call("POST", `/market/buy/${item.id}`)).status).toBe(200);
  expect((await sellerAgain!.call("GET", "/notifications")).status).toBe(503);
  expect(await ready()).toBe(503);
  holder.close();
  await eventually(
    async () =>
      expect((await sellerAgain!.call<Inbox>("GET", "/notifications")).body.unread).toBe(1),
    { within: 30_000 },
  );
  await eventually(async () => expect(await ready()).toBe(200), { within: 20_000 });
});

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
});

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

/** Every call that the other services must serve, and the service that each needs. */
async function requests(): Promise<[service: string, call: () => Promise<number>][]> {
  const items = await Promise.all(Array.from({ length: 20 }, () => seller.offer()));
  const { email } = seller.session!.user;
  const as = (client: Client, method: string, path: string, body?: object) => async () =>
    (await new Client(market.api, client.session).call(method, path, body)).status;
  const anyone = new Client("");
  return [
    ["users", as(anyone, "POST", "/users", newAccount())],
    ["users", as(anyone, "POST", "/users/login", { email, password })],
    ...items.map(({ id }): [string, () => Promise<number>] => [
      "market",
      as(buyer, "POST", `/market/buy/${id}`),
    ]),
    ["market", as(buyer, "GET", "/market/items")],
    ["notifications", as(buyer, "GET", "/notifications")],
  ];
}

/** Restarts the market as after a power cut. */
async function restart(): Promise<void> {
  await market.end("SIGKILL");
  const path = market.dataDir;
  market = await startMarket({}, { path, remove: () => rmSync(path, { recursive: true }) });
}

it.each(["users", "market", "notifications"])(
  "serves the other services while the file of %s is broken, also after a restart, and it when a copy takes its place",
  async (broken) => {
    const calls = await requests();
    const file = join(market.dataDir, `${broken}.sqlite`);
    const original = new DatabaseSync(file);
    original.exec(`VACUUM INTO '${file}.copy'`);
    original.close();
    wreck(broken);
    for (const [service, call] of calls)
      if (service === broken) expect([200, 201, 503]).toContain(await call());
      else expect([200, 201]).toContain(await call());

    await restart();
    const lines = market.output().match(/^.*cannot be used as a database.*$/gm) ?? [];
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(`ERROR .*${broken}\\.sqlite cannot be used as a database: [^\\n]+\\.$`),
      ),
    ]);
    for (const [service, call] of calls)
      if (service === broken) expect(await call()).toBe(503);
      else expect([200, 201, 409]).toContain(await call());
    expect(await ready()).toBe(503);

    for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
    renameSync(`${file}.copy`, file);
    await eventually(async () => expect(await ready()).toBe(200), { within: 30_000 });
    for (const [, call] of calls) expect([200, 201, 409]).toContain(await call());
  },
);

it("does not start, and says why in one sentence, when every file is broken", async () => {
  for (const file of [
    ...["users", "market", "deliveries"],
    ...["notifications", "notifications-recipients"],
  ])
    wreck(file);
  await market.end("SIGKILL");
  const again = spawnNode([], { DATA_DIR: market.dataDir, LOG_LEVEL: "fatal" });
  expect(await again.end("SIGCONT")).toBe(1);
  expect(again.output().trim()).toMatch(/^\S+\.sqlite cannot be used as a database: [^\n]+\.$/);
});
