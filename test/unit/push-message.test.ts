import type { Notification } from "../../contracts/notifications.ts";
import { pushMessageOf } from "../../services/deliveries/push-message.ts";

const data = {
  itemId: "i 1",
  saleId: "s1",
  title: "Amber necklace",
  price: 23_550,
  currency: "EUR",
};
const notice = (change: Partial<Notification>): Notification => ({
  ...{ id: "n1", type: "sale", text: "Item #i 1 was sold!", data },
  createdAt: "2026-01-01T00:00:00.000Z",
  ...change,
});
const inbox = { title: "Souk", path: "/shop/inbox" };

describe("a push", () => {
  it.each([
    ["en", "Sold for €235.50"],
    ["de", "Verkauft für 235,50\u00A0€"],
  ])("of a sale has the item's title, the price in %s, and leads to the item", (language, body) => {
    expect(pushMessageOf(notice({}), language)).toEqual({
      ...{ id: "n1", title: "Amber necklace", body, path: "/shop/items/i%201", language },
    });
  });

  it.each([
    ["of an unknown type", { type: "review", text: "5 stars" }, "en", "5 stars"],
    ["of a sale with other data", { data: { itemId: "i1" } }, "en", "Item #i 1 was sold!"],
    ["of a test", { type: "test" }, "de", "Dies ist ein Test: Hinweise erreichen dieses Gerät."],
  ])("%s leads to the inbox", (_what, change, language, body) => {
    expect(pushMessageOf(notice(change), language)).toEqual({ ...inbox, id: "n1", body, language });
  });

  it("is in English when Souk has no texts in the language", () => {
    expect(pushMessageOf(notice({}), "fr")).toMatchObject({
      language: "en",
      body: expect.stringMatching(/^Sold/),
    });
  });

  it("fits into what push services accept, however long the texts are", () => {
    const long = [
      notice({ data: { ...data, title: "😀".repeat(200), itemId: "x".repeat(64) } }),
      notice({ type: "other", text: "😀".repeat(500) }),
    ].map((one) => pushMessageOf(one, "de"));

    for (const message of long) {
      expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThan(3_000);
      expect(JSON.stringify(message).isWellFormed()).toBe(true);
      expect(JSON.stringify(message)).toMatch(/😀…/);
    }
  });
});
