/** An embedded market that is killed in the middle of its work. */
import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox, Notification } from "../../contracts/notifications.ts";
import { Client, password, type Answer } from "../support/client.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";

type Bought = { ok: true; saleId: string };
type Sales = { sales: Sale[]; nextCursor: string | null };

const folder = temporaryFolder();
afterAll(() => folder.remove());

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

it("keeps every acknowledged sale, notice and account when the market is killed during 1,000 buys", async () => {
  const env = { DATA_DIR: folder.path, RATE_SCALE: "1000" };
  const market = await startNode([], env);
  const seller = await Client.registered(market.api);
  const buyers = await Promise.all(Array.from({ length: 10 }, () => Client.registered(market.api)));
  const items: Item[] = [];
  while (items.length < 1000)
    items.push(...(await Promise.all(Array.from({ length: 50 }, () => seller.offer()))));

  const sold = new Map<string, { buyer: Client; saleId: string }>();
  const accounts: Client[] = [];
  const buying = items.map(async ({ id }, n) => {
    const buyer = buyers[n % buyers.length]!;
    const { status, body } = await buyer.call<Bought>("POST", `/market/buy/${id}`);
    if (status === 200) sold.set(id, { buyer, saleId: body.saleId });
    if (sold.size === 400) market.child.kill("SIGKILL");
  });
  const joining = Array.from({ length: 20 }, async () =>
    accounts.push(await Client.registered(market.api)),
  );
  await Promise.allSettled([...buying, ...joining]);
  expect(await market.end()).toBe("SIGKILL");
  expect(sold.size).toBeGreaterThanOrEqual(400);
  expect(sold.size).toBeLessThan(1000);

  const again = await startNode([], env);
  const { api } = again;
  const back = (client: Client) => new Client(api, client.session);
  for (const [id, { buyer, saleId }] of sold)
    expect((await back(buyer).call<Bought>("POST", `/market/buy/${id}`)).body.saleId).toBe(saleId);
  for (const { session } of accounts.filter(({ session }) => session?.user)) {
    const { email } = session!.user;
    expect((await new Client(api).call("POST", "/users/login", { email, password })).status).toBe(
      200,
    );
  }

  const sales = await all(back(seller), "/market/sales", ({ sales }: Sales) => sales);
  expect(sales.map(({ id }) => id)).toEqual(
    expect.arrayContaining([...sold.values()].map(({ saleId }) => saleId)),
  );
  await eventually(
    async () => {
      const notices = await all(
        back(seller),
        "/notifications",
        ({ notifications }: Inbox) => notifications,
      );
      expect(notices.map(({ id }: Notification) => id).sort()).toEqual(
        sales.map(({ id }) => id).sort(),
      );
    },
    { within: 30_000, every: 500 },
  );
  expect(await again.end()).toBe(0);
});
