import { wanted } from "../../domain/catalogue.ts";
import { words } from "../../domain/words.ts";

describe("words", () => {
  it("folds case and accents away", () => {
    expect(words("Café CAFÉ café Straße ÅNGSTRÖM")).toEqual(["cafe", "straße", "angstrom"]);
  });

  it("splits at whatever is neither letter nor digit", () => {
    expect(words("tea-tray (40cm), №5; 茶 盘")).toEqual(["tea", "tray", "40cm", "no5", "茶", "盘"]);
  });

  it("keeps each word once, and at most 64 characters of it", () => {
    expect(words(`lamp lamp ${"x".repeat(100)}`)).toEqual(["lamp", "x".repeat(64)]);
    expect(words(`a${"𐐨".repeat(70)}`)).toEqual([`a${"𐐨".repeat(63)}`]);
  });

  it("finds none where there are none", () => {
    expect(words(" … !?")).toEqual([]);
  });
});

describe("wanted", () => {
  it("asks for every word of a search by its beginning", () => {
    expect(wanted({ search: "Tea tr" })).toEqual({ $and: [{ words: /^tea/ }, { words: /^tr/ }] });
  });

  it("lets no character of a search act as a pattern", () => {
    expect(wanted({ search: "a.*|b$" })).toEqual({ $and: [{ words: /^a/ }, { words: /^b/ }] });
  });

  it("matches nothing when a search has no word in it, and everything when there is no search", () => {
    expect(wanted({ search: "!!" })).toBeNull();
    expect(wanted({ search: " " })).toEqual({});
  });

  it("tells sold, unsold and both apart", () => {
    expect([wanted({ sold: true }), wanted({ sold: false }), wanted({})]).toEqual([
      { isSold: true },
      { isSold: false },
      {},
    ]);
  });
});
