import type { ItemDocument } from "../../domain/item.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { offered, revised } from "../../domain/offer.ts";
import { saleNotice, sold, toItem, toSale, whyNotChanged, whyNotSold } from "../../domain/sale.ts";

const now = new Date("2026-01-02T03:04:05.678Z");
const forSale = offered(
  { title: " Tea tray ", price: 4500 },
  { id: "1", sellerId: "alice", currency: "EUR", now },
);
const outbox = newOutbox({ notice: now });
const soldItem: ItemDocument = { ...forSale, ...sold("bob", "sale-1", now, outbox).$set };

describe("the reason of a failed buy", () => {
  it("is ITEM_NOT_FOUND for an unknown item", () =>
    expect(whyNotSold(null, "bob")).toBe("ITEM_NOT_FOUND"));
  it("is ITEM_SOLD when another buyer has it", () =>
    expect(whyNotSold(soldItem, "carol")).toBe("ITEM_SOLD"));
  it("is the earlier sale when the same buyer has it", () =>
    expect(whyNotSold(soldItem, "bob")).toEqual({ saleId: "sale-1" }));
  it("is ITEM_CHANGED when the seller has changed the item at the same price", () => {
    expect(whyNotSold({ ...forSale, revision: 1 }, "bob", { price: 4500, revision: 0 })).toBe(
      "ITEM_CHANGED",
    );
    expect(whyNotSold(forSale, "bob", { revision: 1 })).toBe("ITEM_CHANGED");
  });
  it("is the earlier sale also for another price and revision", () =>
    expect(whyNotSold(soldItem, "bob", { price: 1, revision: 1 })).toEqual({ saleId: "sale-1" }));
  it("is OWN_ITEM for the seller, whether the item is sold or not", () =>
    expect([whyNotSold(forSale, "alice"), whyNotSold(soldItem, "alice")]).toEqual([
      "OWN_ITEM",
      "OWN_ITEM",
    ]));
  it("is PRICE_CHANGED for another price", () =>
    expect(whyNotSold(forSale, "bob", { price: 4400, revision: 1 })).toBe("PRICE_CHANGED"));
  it("is UNAVAILABLE when the item is for sale now", () =>
    expect(whyNotSold(forSale, "bob", { price: 4500, revision: 0 })).toBe("UNAVAILABLE"));
});

describe("the reason of a seller's failed change", () => {
  it("distinguishes unknown items, items of other users, sold and busy ones", () => {
    const reasons = [
      whyNotChanged(null, "alice"),
      whyNotChanged(forSale, "bob"),
      whyNotChanged(soldItem, "alice"),
      whyNotChanged(forSale, "alice"),
    ];
    expect(reasons).toEqual(["ITEM_NOT_FOUND", "FORBIDDEN", "ITEM_SOLD", "UNAVAILABLE"]);
  });
});

describe("a sale", () => {
  it("is written together with its outbox", () => {
    expect(soldItem).toMatchObject({ isSold: true, buyerId: "bob", saleId: "sale-1", outbox });
  });

  it("has a notice to the seller with the id of the sale", () => {
    expect(saleNotice(toSale(soldItem))).toEqual({
      id: "sale-1",
      userId: "alice",
      type: "sale",
      text: "Item #1 was sold!",
      data: {
        itemId: "1",
        saleId: "sale-1",
        title: "Tea tray",
        price: 4500,
        currency: "EUR",
        buyerId: "bob",
        soldAt: "2026-01-02T03:04:05.678Z",
      },
    });
  });

  it("shows neither buyer nor outbox in the item", () => {
    expect(Object.keys(toItem(soldItem))).toEqual([
      "id",
      "title",
      "description",
      "price",
      "currency",
      "imageUrl",
      "sellerId",
      "isSold",
      "createdAt",
      "soldAt",
      "revision",
    ]);
  });
});

describe("a revision", () => {
  it("has the words of the new text and of the unchanged text", () => {
    const { $set } = revised({ ...forSale, description: "of brass" }, { title: " Copper tray " });
    expect($set).toEqual({ title: "Copper tray", words: ["!2", "copper", "tray", "of", "brass"] });
  });
});
