import { join } from "node:path";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client } from "../support/client.ts";
import { follow } from "../support/docs.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

it("restores the state of the copy from files copied while the market ran, by docs/backup.md", async () => {
  const env = { DATA_DIR: join(folder.path, "data") };
  const first = await startNode([], env);
  const [seller, buyer] = [await Client.registered(first.api), await Client.registered(first.api)];
  const [before, after] = [await seller.offer(), await seller.offer()];
  const sale = (await buyer.call("POST", `/market/buy/${before.id}`)).body;
  const unread = async (client: Client) =>
    (await client.call<Inbox>("GET", "/notifications")).body.unread;
  await eventually(async () => expect(await unread(seller)).toBe(1));

  follow("backup.md", "backup-files", folder.path);
  await buyer.call("POST", `/market/buy/${after.id}`);
  await first.end();
  follow("backup.md", "restore-files", folder.path);

  const { api, end } = await startNode([], env);
  const [again, other] = [new Client(api, buyer.session), new Client(api, seller.session)];
  expect((await again.call("POST", `/market/buy/${before.id}`)).body).toEqual(sale);
  expect((await again.call("GET", `/market/items/${after.id}`)).body).toMatchObject({
    isSold: false,
  });
  expect(await unread(other)).toBe(1);
  expect(await end()).toBe(0);
}, 30_000);
