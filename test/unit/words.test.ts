import { itemsQuery } from "../../domain/catalogue.ts";
import { words } from "../../domain/words.ts";

describe("words", () => {
  it("folds case and accents", () => {
    expect(words("Café CAFÉ café Straße ÅNGSTRÖM")).toEqual(["cafe", "straße", "angstrom"]);
  });

  it("splits at every character that is not a letter or a digit", () => {
    expect(words("tea-tray (40cm), №5; 茶 盘")).toEqual(["tea", "tray", "40cm", "no5", "茶", "盘"]);
  });

  it("keeps each word once, and at most 64 characters of it", () => {
    expect(words(`lamp lamp ${"x".repeat(100)}`)).toEqual(["lamp", "x".repeat(64)]);
    expect(words(`a${"𐐨".repeat(70)}`)).toEqual([`a${"𐐨".repeat(63)}`]);
  });

  it("finds no word in punctuation", () => {
    expect(words(" … !?")).toEqual([]);
  });
});

describe("itemsQuery", () => {
  it("matches every word of a search by its prefix", () => {
    expect(itemsQuery({ search: "Tea tr" })).toEqual({
      $and: [{ words: /^tea/ }, { words: /^tr/ }],
    });
  });

  it("treats special characters of a search as separators, not as patterns", () => {
    expect(itemsQuery({ search: "a.*|b$" })).toEqual({ $and: [{ words: /^a/ }, { words: /^b/ }] });
  });

  it("matches nothing for a search without words, and everything without a search", () => {
    expect(itemsQuery({ search: "!!" })).toBeNull();
    expect(itemsQuery({ search: " " })).toEqual({});
  });

  it("filters sold items, unsold items or neither", () => {
    expect([itemsQuery({ sold: true }), itemsQuery({ sold: false }), itemsQuery({})]).toEqual([
      { isSold: true },
      { isSold: false },
      {},
    ]);
  });
});
