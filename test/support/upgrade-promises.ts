import type { Item, Sale } from "../../contracts/market.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import type { Session } from "../../contracts/users.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Node } from "../../bin/processes/node-process.ts";
import { buyer, items, seller } from "../fixtures/story.ts";
import { Client } from "./client.ts";

/** Checks that the current code reads the data of an older version (test/fixtures). */
export function upgradePromises(start: () => Promise<Node>): void {
  let node: Node;
  beforeAll(async () => {
    node = await start();
    await eventually(async () => (await fetch(`${node.api}/health/ready`)).status === 200, {
      within: 60_000,
    });
  });
  afterAll(async () => {
    await node?.end();
  });

  const signIn = async ({ email, password }: typeof buyer) => {
    const answer = await new Client(node.api).call<Session>("POST", "/users/login", {
      email,
      password,
    });
    return new Client(node.api, answer.body);
  };
  const titles = (found: { title?: string; data?: { title?: unknown } }[]) =>
    found.map(({ title, data }) => title ?? data?.title).toSorted();

  it("signs its users in", async () => {
    for (const user of [seller, buyer])
      expect((await signIn(user)).session).toMatchObject({ user: { name: user.name } });
  });

  it("lists its items and sells the one for sale", async () => {
    const client = await signIn(buyer);
    const { id: sellerId } = await signIn(seller);
    const { body } = await client.call<{ items: Item[] }>(
      "GET",
      `/market/items?sellerId=${sellerId}`,
    );
    const { scarf, jar, ...sold } = items;
    expect(body.items.find(({ title }) => title === scarf.title)).toMatchObject({
      ...scarf,
      isSold: false,
    });
    expect(titles(body.items)).toEqual(titles([scarf, ...Object.values(sold)]));
    const words = await client.call<{ items: Item[] }>("GET", "/market/items?search=teapot");
    expect(titles(words.body.items)).toContain(items.teapot.title);

    const { id } = body.items.find(({ title }) => title === scarf.title)!;
    expect(await client.call("POST", `/market/buy/${id}`)).toMatchObject({ status: 200 });
    const bought = await client.call<{ sales: Sale[] }>("GET", "/market/purchases");
    expect(titles(bought.body.sales)).toEqual(titles([scarf, jar, ...Object.values(sold)]));
  });

  it("has its read and unread notices, and delivers the pending one and the new one, but no dead letter", async () => {
    const client = await signIn(seller);
    const noticesOf = async (query: string) =>
      titles((await client.call<Inbox>("GET", `/notifications${query}`)).body.notifications);
    const { lamp, teapot, saffron, scarf } = items;
    await eventually(
      async () => expect(await noticesOf("")).toEqual(titles([lamp, teapot, saffron, scarf])),
      { within: 20_000, every: 200 },
    );
    expect(await noticesOf("?unread=true")).toEqual(titles([teapot, saffron, scarf]));
  });
}
