import { randomUUID } from "node:crypto";
import type { Item } from "../../../contracts/market.ts";
import { Client } from "../client.ts";
import type { Fabric } from "../fabric.ts";
import { instant, uuid, type Fixture, type Page } from "./fixture.ts";

export function itemPromises(fixture: Fixture): void {
  const { buy, items } = fixture;
  let fabric: Fabric;
  let seller: Client;
  let buyer: Client;
  beforeAll(() => void ({ fabric, seller, buyer } = fixture));

  describe("an item", () => {
    it("is shown as it was offered, trimmed, in the market's currency", async () => {
      const { status, body } = await seller.call<Item>("POST", "/market/items", {
        title: "  Émile's lamp 🪔 ",
        description: " $5.00 ",
        price: 1,
        imageUrl: "/lamp.svg",
      });

      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.stringMatching(uuid),
        title: "Émile's lamp 🪔",
        description: "$5.00",
        price: 1,
        currency: "EUR",
        imageUrl: "/lamp.svg",
        sellerId: seller.id,
        isSold: false,
        createdAt: expect.stringMatching(instant),
        soldAt: null,
        revision: 0,
      });
      expect((await buyer.call("GET", `/market/items/${body.id}`)).body).toEqual(body);
    });

    it("is offered once by all requests with one idempotency key, whichever comes first, and answers them alike", async () => {
      const [key, title] = [randomUUID(), `Once ${randomUUID()}`];
      const offer = { title, price: 4200, description: "d" };
      const reordered = { description: "d", price: 4200, title };

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          seller.offerOnce(n % 2 ? key : `"${key}"`, n % 3 ? offer : reordered),
        ),
      );

      for (const { status, body, headers } of answers) {
        expect([status, headers.get("location")]).toEqual([201, `/market/items/${body.id}`]);
        expect(body).toEqual(answers[0]!.body);
      }
      expect((await items(`search=${title}`)).items).toEqual([answers[0]!.body]);
      for (const other of [
        { ...offer, price: 4201 },
        { title, price: 4200 },
        { ...offer, title: ` ${title}` },
      ])
        expect(await seller.offerOnce(key, other)).toMatchObject({
          status: 422,
          body: { code: "IDEMPOTENCY_KEY_REUSED" },
        });
      const another = await buyer.offerOnce(key, offer);
      expect(another.status).toBe(201);
      expect(another.body.id).not.toBe(answers[0]!.body.id);
    });

    it("that was revised, sold or withdrawn in the meantime is still the same answer to a repeated offer", async () => {
      const meanwhile: Record<string, (id: string) => Promise<unknown>> = {
        revised: (id) => seller.call("PATCH", `/market/items/${id}`, { title: "New", price: 1 }),
        sold: (id) => buy(buyer, id),
        withdrawn: (id) => seller.call("DELETE", `/market/items/${id}`),
      };
      for (const [what, change] of Object.entries(meanwhile)) {
        const [key, title] = [randomUUID(), `Kept ${what} ${randomUUID()}`];
        const first = await seller.offerOnce(key, { title, price: 4200 });
        expect(await change(first.body.id)).toMatchObject({
          status: what === "withdrawn" ? 204 : 200,
        });

        expect((await seller.offerOnce(key, { title, price: 4200 })).body).toEqual(first.body);

        expect((await seller.offerOnce(key, { title, price: 1 })).status).toBe(422);
        const { status } = await buyer.call("GET", `/market/items/${first.body.id}`);
        expect([what, status]).toEqual([what, what === "withdrawn" ? 404 : 200]);
      }
    });

    it("is in no list and cannot be bought or revised when it was withdrawn, also if it was offered with a key", async () => {
      const title = `Gone ${randomUUID()}`;
      const { body } = await seller.offerOnce(randomUUID(), { title, price: 1 });
      const path = `/market/items/${body.id}`;
      expect((await seller.call("DELETE", path)).status).toBe(204);

      const lists = ["limit=100", "sort=price&limit=100", "sort=-price&limit=100"];
      for (const query of [...lists, `sellerId=${seller.id}&limit=100`, `search=${title}`])
        for (const item of (await items(query)).items) expect(item).toHaveProperty("title");
      expect((await items(`search=${title}`)).items).toEqual([]);
      for (const answer of [
        await buyer.call("GET", path),
        await buyer.call("POST", `/market/buy/${body.id}`),
        await seller.call("PATCH", path, { price: 5 }),
        await seller.call("DELETE", path),
      ])
        expect(answer).toMatchObject({ status: 404, body: { code: "ITEM_NOT_FOUND" } });
    });

    it("is revised and withdrawn by its seller only, while it is unsold", async () => {
      const { id } = await seller.offer();
      const attempts = (client: Client) =>
        Promise.all([
          client.call("PATCH", `/market/items/${id}`, { price: 5 }),
          client.call("DELETE", `/market/items/${id}`),
        ]);

      for (const { status, body } of await attempts(buyer))
        expect([status, body.code]).toEqual([403, "FORBIDDEN"]);
      expect(
        (
          await seller.call<Item>("PATCH", `/market/items/${id}`, {
            title: "Lantern",
            imageUrl: null,
          })
        ).body,
      ).toMatchObject({
        title: "Lantern",
        price: 4200,
      });
      await buy(buyer, id);
      for (const { status, body } of await attempts(seller))
        expect([status, body.code]).toEqual([404, "ITEM_SOLD"]);
    });

    it("is found by prefixes of its words, ignoring case and accents, and by its new words after a revision", async () => {
      const tag = `t${randomUUID().slice(0, 8)}`;
      const { id } = await seller.offer({
        title: `Crème brûlée ${tag}`,
        description: "for TWO people",
      });
      const found = async (search: string) =>
        (await items(`search=${encodeURIComponent(search)}`)).items.map((item) => item.id);

      for (const search of [tag, `${tag} creme`, `BRÛL ${tag}`, `${tag} peop tw`])
        expect(await found(search)).toEqual([id]);
      for (const search of [`${tag} rulee`, `${tag} three`, `${tag}x`, "!?"])
        expect(await found(search)).toEqual([]);
      await seller.call("PATCH", `/market/items/${id}`, { title: `Flan ${tag}` });
      expect([await found(`${tag} flan two`), await found(`${tag} creme`)]).toEqual([[id], []]);
    });
  });

  describe("a search", () => {
    it("finds the words of every script, however they are written", async () => {
      const shop = await Client.registered(fabric.api);
      const found = async (search: string) =>
        (await items(`sellerId=${shop.id}&search=${encodeURIComponent(search)}`)).items.map(
          ({ title }) => title,
        );

      for (const [title, searches] of [
        ["Große Łódź, cœur d’olive", ["GROSSE lodz", "olive coeur", "\u200Bgroß\u00ADe", "ŁÓDŹ"]],
        ["蓝色玻璃灯笼", ["灯笼", "玻璃"]],
        ["青いガラスのランタン", ["らんたん", "ﾗﾝﾀﾝ ガラス"]],
        ["โคมไฟแก้วสีน้ำเงิน", ["แก้ว", "น้ำเงิน"]],
        ["चाँदी की किताब", ["चांदी", "किताब"]],
        ["무선청소기를 팝니다", ["청소기", "무선"]],
        ["مَنارَةٌ نُحاسِيّة ٤٠", ["منارة 40"]],
      ] as const) {
        await shop.offer({ title });
        for (const search of searches)
          expect([search, await found(search)]).toEqual([search, [title]]);
      }
      expect(await found("कताब")).toEqual([]);
    });
  });

  describe("a list of items", () => {
    it.each(["newest", "price", "-price"])(
      "sorted by %s neither skips nor repeats an item while items are added",
      async (sort) => {
        const shop = await Client.registered(fabric.api);
        const offered = await Promise.all(
          Array.from({ length: 23 }, (_, n) => shop.offer({ price: 1 + (n % 4) })),
        );
        const seen: Item[] = [];
        let cursor: string | null = "";
        while (cursor !== null) {
          const page: Page = await items(
            `sellerId=${shop.id}&sort=${sort}&limit=5${cursor && `&cursor=${cursor}`}`,
          );
          seen.push(...page.items);
          cursor = page.nextCursor;
          await shop.offer({ price: 2 });
        }

        const ids = seen.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining(offered.map(({ id }) => id)));
        const prices = seen.map(({ price }) => price);
        if (sort !== "newest")
          expect(prices).toEqual(prices.toSorted((a, b) => (sort === "price" ? a - b : b - a)));
      },
    );

    it("is filtered by sold and unsold", async () => {
      const shop = await Client.registered(fabric.api);
      const [sold, unsold] = [await shop.offer(), await shop.offer()];
      await buy(buyer, sold.id);
      const ids = async (query: string) =>
        (await items(`sellerId=${shop.id}${query}`)).items.map(({ id }) => id);

      expect([await ids("&sold=true"), await ids("&sold=false"), await ids("")]).toEqual([
        [sold.id],
        [unsold.id],
        [unsold.id, sold.id],
      ]);
    });

    it("ends a page early, with its cursor, at 512 KB", async () => {
      const shop = await Client.registered(fabric.api);
      const ids = new Set<string>();
      for (let n = 0; n < 30; n++) {
        const { body } = await shop.call<Item>("POST", "/market/items", {
          title: `${n}${"🪔".repeat(190)}`,
          description: "🪔".repeat(5_000),
          price: 1,
        });
        ids.add(body.id);
      }

      const pages: Page[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        pages.push(await items(`sellerId=${shop.id}&limit=100${cursor && `&cursor=${cursor}`}`));
        cursor = pages.at(-1)!.nextCursor;
      }

      const sizes = pages.map((page) => Buffer.byteLength(JSON.stringify(page)));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(512 * 1024);
      expect(sizes[0]).toBeGreaterThan(480 * 1024);
      const seen = pages.flatMap((page) => page.items.map(({ id }) => id));
      expect([seen.length, new Set(seen)]).toEqual([30, ids]);
    });

    it("refuses a cursor of another list and a limit out of range", async () => {
      await Promise.all([seller.offer(), seller.offer()]);
      const { nextCursor } = await items(`limit=1`);
      for (const query of [
        `sort=price&cursor=${nextCursor}`,
        "cursor=AAAA",
        "limit=0",
        "limit=101",
        "limit=1.5",
        "limit=many",
        "sort=oldest",
      ])
        expect(await buyer.call("GET", `/market/items?${query}`)).toMatchObject({
          status: 400,
          body: { code: "BAD_DATA" },
        });
    });
  });
}
