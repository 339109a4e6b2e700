import { execFile, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import type { Inbox } from "../../contracts/notifications.ts";
import type { Sale } from "../../contracts/market.ts";
import { Client } from "../support/client.ts";
import { block, follow } from "../support/docs.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder();
const data = join(folder.path, "data");
const copy = join(folder.path, "backup");
const env = { DATA_DIR: data, RATE_SCALE: "1000" };
/** The blocks of the page run in a folder with Souk's package.json, `data` and `backup`. */
for (const name of ["package.json", "bin", "broker", "node_modules"])
  symlinkSync(join(root, name), join(folder.path, name));
afterAll(() => folder.remove());

const back = (to = copy, from = data) =>
  spawnSync(process.execPath, [join(root, "bin/backup.ts"), to], {
    env: { ...process.env, DATA_DIR: from },
    encoding: "utf8",
  });

it("restores a copy that was made during sales: each sale in it has its notice or delivers it, by docs/backup.md", async () => {
  const first = await startNode([], env);
  const [seller, buyer] = [await Client.registered(first.api), await Client.registered(first.api)];
  const items = [];
  for (let n = 0; n < 40; n++) items.push(await seller.offer());
  const before = items.pop()!;
  const sale = (await buyer.call("POST", `/market/buy/${before.id}`)).body;
  let isCopied = false;
  const sales = (async () => {
    for (const { id } of items.slice(0, -1)) {
      await buyer.call("POST", `/market/buy/${id}`);
      if (!isCopied) await new Promise((resolve) => setTimeout(resolve, 30));
    }
  })();
  const command = block("docs/backup.md", "sh backup-files");
  await promisify(execFile)("sh", ["-euc", command], {
    cwd: folder.path,
    env: { ...process.env, DATA_DIR: data },
  });
  isCopied = true;
  await sales;
  await buyer.call("POST", `/market/buy/${items.at(-1)!.id}`);
  await first.end();

  expect(statSync(copy).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(copy)) {
    expect(statSync(join(copy, name)).mode & 0o777).toBe(0o600);
    if (name.endsWith(".json")) continue;
    const database = new DatabaseSync(join(copy, name));
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    database.close();
  }
  follow("backup.md", "restore-files", folder.path);

  const { api, end } = await startNode([], env);
  const [again, other] = [new Client(api, buyer.session), new Client(api, seller.session)];
  expect((await again.call("POST", `/market/buy/${before.id}`)).body).toEqual(sale);
  expect((await again.call("GET", `/market/items/${items.at(-1)!.id}`)).body).toMatchObject({
    isSold: false,
  });
  const sold = (await other.call<{ sales: Sale[] }>("GET", "/market/sales?limit=100")).body.sales;
  expect(sold.length).toBeGreaterThan(0);
  await eventually(
    async () => {
      const { body } = await other.call<Inbox>("GET", "/notifications?limit=100");
      const ids = body.notifications.map(({ id }) => id);
      expect(sold.filter(({ id }) => !ids.includes(id))).toEqual([]);
    },
    { within: 30_000 },
  );
  expect(await end()).toBe(0);
});

describe("npm run backup", () => {
  it("copies a market that is stopped", () => {
    const to = join(folder.path, "stopped");
    expect(back(to)).toMatchObject({ status: 0, stdout: `The copy is in ${to}.\n` });
    expect(readdirSync(to).sort()).toEqual([
      "deliveries.sqlite",
      "files.json",
      "keys.json",
      "market.sqlite",
      "notifications-recipients.sqlite",
      "notifications.sqlite",
      "users.sqlite",
    ]);
  });

  it("copies a market without a list of its files, and of a version with fewer of them", () => {
    const [from, to] = [join(folder.path, "stopped"), join(folder.path, "unlisted")];
    for (const name of ["files.json", "deliveries.sqlite", "notifications-recipients.sqlite"])
      rmSync(join(from, name));
    expect(back(to, from)).toMatchObject({ status: 0 });
    expect(readdirSync(to)).toHaveLength(4);
  });

  it("refuses a folder that is not empty, and changes nothing in it", () => {
    const to = join(folder.path, "full");
    mkdirSync(to);
    writeFileSync(join(to, "x"), "");
    expect(back(to)).toMatchObject({ status: 1, stdout: "", stderr: `${to} is not empty.\n` });
    expect(readdirSync(to)).toEqual(["x"]);
  });

  it("refuses a folder without a market, and creates nothing there", () => {
    const from = join(folder.path, "nothing");
    expect(back(join(folder.path, "copy"), from)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^There is no embedded market in \S+: [^\n]* does not exist\.\n$/,
      ),
    });
    expect(readdirSync(folder.path)).not.toContain("copy");
  });

  it("refuses to copy a damaged file", () => {
    const from = join(folder.path, "stopped");
    chmodSync(from, 0o700);
    writeFileSync(join(from, "users.sqlite"), "This is no database.".repeat(500));
    const to = join(folder.path, "damaged");
    expect(back(to, from)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^\S+users\.sqlite cannot be copied: [^\n]*\.\n$/),
    });
    rmSync(to, { recursive: true });
  });
});
