/** The database of each service in turn is restored from an older copy, and the others are brought back to agreement, by docs/backup.md. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";
import {
  SERVER_START,
  sharedRabbit,
  startMongo,
  type Server,
  type Shared,
} from "../../bin/processes/servers.ts";
import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client } from "../support/client.ts";
import { block, follow } from "../support/docs.ts";

const root = join(import.meta.dirname, "../..");
const folder = temporaryFolder();
const owners = ["market", "notifications", "users"] as const;
type Owner = (typeof owners)[number];
const servers = {} as Record<Owner, Server>;
let rabbit: Shared;
let env: Record<string, string>;
let nodes: Node[] = [];
const api = () => nodes[0]!.api;

beforeAll(async () => {
  rabbit = await sharedRabbit();
  for (const owner of owners) servers[owner] = await startMongo();
  env = clusterEnv(rabbit.url, "");
  for (const owner of owners)
    env[`${owner.toUpperCase()}_MONGO_URL`] = `${servers[owner].url}/souk`;
  env.DELIVERIES_MONGO_URL = `${servers.users.url}/souk-deliveries`;
  const { AUTH_PRIVATE_JWK: _, ...withoutKey } = env;
  nodes = await Promise.all([
    startNode(["api"], withoutKey),
    startNode([...owners, "deliveries"], env),
  ]);
  await ready();
}, SERVER_START);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.end("SIGKILL")));
  await Promise.all([rabbit, ...Object.values(servers)].map((server) => server?.stop()));
  folder.remove();
});

const ready = () =>
  eventually(async () => expect((await fetch(`${api()}/health/ready`)).status).toBe(200), {
    within: 60_000,
  });

/** Stops the server of a database, runs a block of the page, and starts the server again. */
async function at(block: string, owner: Owner): Promise<void> {
  await servers[owner].kill("SIGTERM");
  follow("backup.md", block, folder.path, { DB: servers[owner].dir, NAME: owner });
  await servers[owner].restart();
  await ready();
}

async function replay(name: Owner, since: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-euc", block("docs/backup.md", "sh replay")],
    {
      cwd: root,
      env: {
        ...process.env,
        AMQP_URL: env.AMQP_URL,
        NAMESPACE: env.NAMESPACE,
        NAME: name,
        SINCE: since,
      },
    },
  );
  return stdout;
}

const inboxOf = async (client: Client) =>
  (await client.call<Inbox>("GET", "/notifications")).body.notifications
    .map(({ id }) => id)
    .toSorted();
const salesOf = async (client: Client) =>
  (await client.call<{ sales: Sale[] }>("GET", "/market/sales")).body.sales;
const buy = async (client: Client, { id }: Item) =>
  (await client.call<{ saleId: string }>("POST", `/market/buy/${id}`)).body.saleId;

it(
  "replays what notifications, market and users have lost",
  async () => {
    const [seller, buyer] = [await Client.registered(api()), await Client.registered(api())];
    const other = await Client.registered(api());
    const items = [await seller.offer(), await seller.offer()];
    const saleIds = [await buy(buyer, items[0]!)];
    await eventually(async () => expect(await inboxOf(seller)).toEqual(saleIds));
    const since = new Date().toISOString();
    for (const owner of owners) await at("backup-mongo", owner);

    items.push(await seller.offer());
    saleIds.push(await buy(buyer, items[1]!), await buy(buyer, items[2]!));
    saleIds.sort();
    await eventually(async () => expect(await inboxOf(seller)).toEqual(saleIds));
    const sales = await salesOf(seller);
    const { refreshToken } = other.session!;
    expect((await other.call("POST", "/users/logout", { refreshToken })).status).toBe(204);

    await at("restore-mongo", "notifications");
    expect(await inboxOf(seller)).toHaveLength(1);
    expect(await replay("market", since)).toContain("2 sales whose notices are sent again.");
    await eventually(async () => expect(await inboxOf(seller)).toEqual(saleIds));

    await at("restore-mongo", "market");
    expect(await salesOf(seller)).toHaveLength(1);
    expect(await replay("notifications", since)).toContain("2 sales restored, 0 not restored.");
    expect(await salesOf(seller)).toEqual(sales);
    for (const { id } of items)
      expect((await seller.call("GET", `/market/items/${id}`)).body).toMatchObject({
        isSold: true,
      });

    await at("restore-mongo", "users");
    expect(await replay("users", since)).toMatch(/\d sessions ended\./);
    for (const { session } of [other, buyer])
      expect(
        await new Client(api()).call("POST", "/users/refresh", {
          refreshToken: session!.refreshToken,
        }),
      ).toMatchObject({ status: 401 });
    await eventually(async () => expect((await buyer.call("GET", "/users/me")).status).toBe(401));
  },
  SERVER_START,
);
