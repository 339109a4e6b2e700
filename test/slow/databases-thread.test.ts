/** The thread of the databases dies under a running embedded market. */
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import { Client } from "../support/client.ts";
import { startMarket, type Market } from "../support/market.ts";

/** Ends the threads of the market at SIGUSR2. */
const preloaded = join(import.meta.dirname, "../support/end-threads.ts");
let market: Market;
let seller: Client;
let buyer: Client;
beforeAll(async () => {
  market = await startMarket({ NODE_OPTIONS: `--import=${preloaded}` });
  [seller, buyer] = [await Client.registered(market.api), await Client.registered(market.api)];
});
afterAll(() => market.close());

const ready = async () => (await fetch(`${market.api}/health/ready`)).status;
const buy = async (id: string) => (await buyer.call("POST", `/market/buy/${id}`)).status;

it("answers 200 or 503 while the databases' thread dies again and again, loses no sale, and goes on by itself", async () => {
  const items = await Promise.all(Array.from({ length: 30 }, () => seller.offer()));
  const statuses: number[] = [];
  const sold: string[] = [];
  for (const [n, { id }] of items.entries()) {
    if (n % 12 === 5) market.child.kill("SIGUSR2");
    const status = await buy(id);
    statuses.push(status);
    if (status === 200) sold.push(id);
    else await eventually(async () => expect(await ready()).toBe(200), { within: 20_000 });
  }
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  const sales = await eventually(
    async () => {
      const answer = await buyer.call<{ sales: Sale[] }>("GET", "/market/purchases?limit=100");
      expect(answer.status).toBe(200);
      return answer.body.sales;
    },
    { within: 20_000 },
  );
  expect(sales.map(({ itemId }) => itemId)).toEqual(expect.arrayContaining(sold));
  await eventually(
    async () =>
      expect((await seller.call<Inbox>("GET", "/notifications")).body.unread).toBe(sales.length),
    { within: 30_000 },
  );
  expect(market.output()).toMatch(/is unavailable: the thread of the databases ended\./);
});
