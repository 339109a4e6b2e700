import type { ItemDocument } from "../../domain/item.ts";
import { offered, revised } from "../../domain/offer.ts";
import { saleNotice, sold, toItem, toSale, whyNotChanged, whyNotSold } from "../../domain/sale.ts";

const now = new Date("2026-01-02T03:04:05.678Z");
const forSale = offered(
  { title: " Tea tray ", price: 4500 },
  { id: "1", sellerId: "alice", currency: "EUR", now },
);
const gone: ItemDocument = {
  ...forSale,
  ...(sold("bob", "sale-1", now).$set as Partial<ItemDocument>),
};

describe("why a buy sold nothing", () => {
  it("says that nobody offers an unknown item", () =>
    expect(whyNotSold(null, "bob")).toBe("ITEM_NOT_FOUND"));
  it("says that it was sold to another", () => expect(whyNotSold(gone, "carol")).toBe("ITEM_SOLD"));
  it("gives the buyer who has it the sale they made", () =>
    expect(whyNotSold(gone, "bob")).toEqual({ saleId: "sale-1" }));
  it("gives that buyer the sale whatever price they name now", () =>
    expect(whyNotSold(gone, "bob", 1)).toEqual({ saleId: "sale-1" }));
  it("says that it is the seller's own, sold or not", () =>
    expect([whyNotSold(forSale, "alice"), whyNotSold(gone, "alice")]).toEqual([
      "OWN_ITEM",
      "OWN_ITEM",
    ]));
  it("says that the price is another", () =>
    expect(whyNotSold(forSale, "bob", 4400)).toBe("PRICE_CHANGED"));
  it("asks to try again when it is for sale after all", () =>
    expect(whyNotSold(forSale, "bob", 4500)).toBe("UNAVAILABLE"));
});

describe("why a seller's change changed nothing", () => {
  it("tells unknown, another's, sold and busy apart", () => {
    const reasons = [
      whyNotChanged(null, "alice"),
      whyNotChanged(forSale, "bob"),
      whyNotChanged(gone, "alice"),
      whyNotChanged(forSale, "alice"),
    ];
    expect(reasons).toEqual(["ITEM_NOT_FOUND", "FORBIDDEN", "ITEM_SOLD", "UNAVAILABLE"]);
  });
});

describe("a sale", () => {
  it("owes a notice that nobody else pays within 15 s", () => {
    expect(gone.notice).toEqual({
      state: "pending",
      attempts: 0,
      dueAt: "2026-01-02T03:04:20.678Z",
    });
  });

  it("is told to its seller under its own id", () => {
    expect(saleNotice(toSale(gone))).toEqual({
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
        soldAt: "2026-01-02T03:04:05.678Z",
      },
    });
  });

  it("shows the buyer and the debt to nobody who looks at the item", () => {
    expect(Object.keys(toItem(gone))).toEqual([
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
    ]);
  });
});

describe("a revision", () => {
  it("is found by its new words and by the text that stayed", () => {
    const { $set } = revised({ ...forSale, description: "of brass" }, { title: " Copper tray " });
    expect($set).toEqual({ title: "Copper tray", words: ["copper", "tray", "of", "brass"] });
  });
});
