import { randomUUID } from "node:crypto";
import { createSouk } from "../../../client/index.ts";
import type { Item, Sale } from "../../../contracts/market.ts";
import { Client, newAccount, newcomer, password } from "../client.ts";
import { eventually } from "../../../bin/processes/eventually.ts";
import type { Fabric } from "../fabric.ts";
import { instant, uuid, type Fixture } from "./fixture.ts";

export function salePromises(fixture: Fixture): void {
  const { buy, inboxOf } = fixture;
  let fabric: Fabric;
  let seller: Client;
  let buyer: Client;
  beforeAll(() => void ({ fabric, seller, buyer } = fixture));

  describe("a sale", () => {
    it("reaches every device of the seller at once, and is stored in the inbox", async () => {
      const account = newAccount();
      const at = { url: fabric.api, socketUrl: fabric.sockets };
      const [phone, laptop, customer] = [createSouk(at), createSouk(at), await newcomer(at)];
      await phone.register(account);
      await laptop.signIn({ email: account.email, password });
      for (const inbox of [phone.inbox(), laptop.inbox()]) {
        fixture.devices.push(inbox);
        await eventually(() => expect(inbox.get().connection).toBe("live"));
      }
      const item = await phone.offer({ title: "Tea tray", price: 4500 });

      const sale = await customer.buy(item.id);

      expect(sale).toEqual({ ok: true, saleId: expect.stringMatching(uuid) });
      const notice = {
        id: sale.saleId,
        type: "sale",
        text: `Item #${item.id} was sold!`,
        data: {
          itemId: item.id,
          saleId: sale.saleId,
          title: "Tea tray",
          price: 4500,
          currency: "EUR",
          buyerId: customer.session.get().user!.id,
          soldAt: expect.stringMatching(instant),
        },
        createdAt: expect.stringMatching(instant),
        isRead: false,
      };
      for (const inbox of [phone.inbox(), laptop.inbox()])
        await eventually(() =>
          expect(inbox.get()).toMatchObject({ notifications: [notice], unread: 1 }),
        );
      expect(await phone.notifications()).toEqual({
        notifications: [notice],
        unread: 1,
        nextCursor: null,
      });
    });

    it("happens once, however many buyers come at once", async () => {
      const { id } = await seller.offer();
      const before = (await inboxOf(seller)).unread;
      const buyers = Array.from({ length: 1000 }, (_, n) => `buyer-${n}-${randomUUID()}`);

      const answers = await Promise.all(
        buyers.map((user) =>
          fabric
            .call("market.buy", { id }, user)
            .catch((error: { type: string; code: number }) => `${error.code} ${error.type}`),
        ),
      );

      expect(answers.filter((answer) => typeof answer !== "string")).toHaveLength(1);
      expect(answers.filter((answer) => answer === "404 ITEM_SOLD")).toHaveLength(999);
      await eventually(async () => expect((await inboxOf(seller)).unread).toBe(before + 1));
    });

    it("admits 1,000 requests at once over HTTP, and happens once", async () => {
      const { id } = await seller.offer();
      const someone = await Client.registered(fabric.api);

      const answers = await Promise.all(
        Array.from({ length: 1000 }, (_, n) => buy(n % 2 ? buyer : someone, id)),
      );

      const sales = answers.filter(({ status }) => status === 200).map(({ body }) => body.saleId);
      expect(new Set(sales).size).toBe(1);
      expect(answers.filter(({ status }) => status === 404)).toHaveLength(500);
    });

    it("is the same sale when its buyer retries, once or fifty times at once", async () => {
      const { id } = await seller.offer();
      const first = await buy(buyer, id);

      const again = await Promise.all(Array.from({ length: 50 }, () => buy(buyer, id)));

      for (const answer of again) expect(answer.body).toEqual(first.body);
    });

    it("is refused for the buyer's own item, an unknown item, a sold item and a changed price", async () => {
      const [own, gone] = [await seller.offer(), await seller.offer()];
      await buy(buyer, gone.id);
      const other = await Client.registered(fabric.api);

      expect(await buy(seller, own.id)).toMatchObject({ status: 403, body: { code: "OWN_ITEM" } });
      expect(await buy(buyer, "no-such-item")).toMatchObject({
        status: 404,
        body: { code: "ITEM_NOT_FOUND" },
      });
      expect(await buy(other, gone.id)).toMatchObject({ status: 404, body: { code: "ITEM_SOLD" } });
      expect(await buy(buyer, own.id, { price: 4199 })).toMatchObject({
        status: 409,
        body: { code: "PRICE_CHANGED" },
      });
      expect(await buy(buyer, own.id, { price: 4200 })).toMatchObject({
        status: 200,
        body: { ok: true },
      });
    });

    it("is listed for its buyer and its seller only", async () => {
      const item = await seller.offer({ title: "Rug" });
      const { saleId } = (await buy(buyer, item.id)).body;
      const sale = {
        id: saleId,
        itemId: item.id,
        title: "Rug",
        price: 4200,
        currency: "EUR",
        sellerId: seller.id,
        buyerId: buyer.id,
      };
      const listed = async (client: Client, what: string) =>
        (await client.call<{ sales: Sale[] }>("GET", `/market/${what}`)).body.sales;

      expect((await listed(buyer, "purchases"))[0]).toEqual({
        ...sale,
        soldAt: expect.stringMatching(instant),
      });
      expect((await listed(seller, "sales"))[0]).toEqual({
        ...sale,
        soldAt: expect.stringMatching(instant),
      });
      expect(await listed(await Client.registered(fabric.api), "purchases")).toEqual([]);
      const shown = await new Client(fabric.api).call<Item>("GET", `/market/items/${item.id}`);
      expect(shown.body).toEqual({ ...item, isSold: true, soldAt: expect.stringMatching(instant) });
    });

    it("is at the price that the buyer agreed to, under concurrent revisions", async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await seller.offer({ price: 1000 });
        const revise = seller.call<Item>("PATCH", `/market/items/${id}`, { price: 2000 });
        const [revised, bought] = await Promise.all([revise, buy(buyer, id, { price: 1000 })]);

        const { body: item } = await buyer.call<Item>("GET", `/market/items/${id}`);
        if (bought.status === 200)
          expect([item.price, item.isSold, revised.status]).toEqual([1000, true, 404]);
        else expect([item.price, item.isSold, revised.status]).toEqual([2000, false, 200]);
      }
    });

    it("is of the item that the buyer saw: another revision is refused at the same price", async () => {
      const item = await seller.offer({ title: "iPhone 17, sealed", price: 50_000 });
      const change = { title: "Empty box of an iPhone" };
      const seen = { price: item.price, revision: item.revision };
      expect(item.revision).toBe(0);
      const { body: changed } = await seller.call<Item>(
        "PATCH",
        `/market/items/${item.id}`,
        change,
      );

      expect(await buy(buyer, item.id, seen)).toMatchObject({
        status: 409,
        body: { code: "ITEM_CHANGED" },
      });

      expect(changed).toEqual({ ...item, ...change, revision: 1 });
      const souk = await newcomer({ url: fabric.api });
      expect(await souk.item(item.id)).toEqual(changed);
      const later = { price: changed.price, revision: changed.revision };
      await expect(souk.buy(item.id, { revision: 0 })).rejects.toMatchObject({
        code: "ITEM_CHANGED",
      });
      const sale = await souk.buy(item.id, later);
      // A repetition gets the same sale, also as another revision.
      expect(await souk.buy(item.id, { revision: 0 })).toEqual(sale);
      expect((await souk.purchases()).sales).toMatchObject([change]);
    });

    it("excludes a concurrent change of the item that the buyer did not see", async () => {
      for (let round = 0; round < 10; round++) {
        const { id, revision } = await seller.offer({ title: "Full" });
        const revise = seller.call("PATCH", `/market/items/${id}`, { title: "Empty" });
        const [, bought] = await Promise.all([revise, buy(buyer, id, { revision })]);

        const { body: item } = await buyer.call<Item>("GET", `/market/items/${id}`);
        expect([item.title, item.isSold]).toEqual(
          bought.status === 200 ? ["Full", true] : ["Empty", false],
        );
      }
    });

    it("excludes a concurrent withdrawal", async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await seller.offer();
        const [withdrawn, bought] = await Promise.all([
          seller.call("DELETE", `/market/items/${id}`),
          buy(buyer, id),
        ]);

        expect([withdrawn.status, bought.status].sort()).toEqual(
          withdrawn.status === 204 ? [204, 404] : [200, 404],
        );
        expect((await buyer.call("GET", `/market/items/${id}`)).status).toBe(
          withdrawn.status === 204 ? 404 : 200,
        );
      }
    });
  });
}
