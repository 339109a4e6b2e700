import { jest } from "@jest/globals";
import fc from "fast-check";
import { itemsQuery } from "../../domain/catalogue.ts";
import { askedWords, storedWords } from "../../domain/words.ts";

const marker = "!2";
const ofTitle = (title: string) => storedWords({ title, description: "" });
/** What the query of a search means: each word asked is a prefix of a stored word. */
const isFound = (item: { title: string; description: string }, search: string) => {
  const [stored, asked] = [storedWords(item), askedWords(search)];
  return asked.length > 0 && asked.every((word) => stored.some((one) => one.startsWith(word)));
};
const finds = (title: string, search: string) => isFound({ title, description: "" }, search);

/** The number of foldings, each of which lowers the case once or twice. */
function foldings(work: () => unknown): number {
  const spy = jest.spyOn(String.prototype, "toLowerCase");
  work();
  const calls = spy.mock.calls.length;
  spy.mockRestore();
  return calls;
}

const titles: [language: string, title: string, searches: string[], others: string[]][] = [
  ["English", "Blue glass lantern", ["lant", "LANTERN blue", "Glass"], ["antern", "lanterns"]],
  ["Chinese", "蓝色玻璃灯笼，手工制作", ["灯笼", "玻璃", "玻璃灯", "笼", "手工 灯笼"], ["茶盘"]],
  ["traditional Chinese", "復古黃銅茶盤", ["茶盤", "黃銅", "黃銅茶盤"], ["燈籠"]],
  [
    "Japanese",
    "青いガラスのランタン東京都LED 40個",
    ["ランタン", "らんたん", "ﾗﾝﾀﾝ", "ランタ", "ガラス", "青い", "東京都", "京都", "led", "40個"],
    ["カラス", "パン"],
  ],
  ["Thai", "โคมไฟแก้วสีน้ำเงินทำด้วยมือ", ["แก้ว", "น้ำเงิน", "โคมไฟ", "ไฟแก้ว", "ทำด้วยมือ"], ["หมวก", "แกว"]],
  [
    "Hindi",
    "हाथ से बनी चाँदी की अंगूठी, बाज़ार में",
    ["चाँदी", "चांदी", "अंगूठी", "बाजार", "अंगू"],
    ["चदी", "दी"],
  ],
  [
    "Korean",
    "새 무선청소기를 팝니다",
    ["청소기", "무선청소기", "무선", "무서", "팝니", "새 청소"],
    ["기무"],
  ],
  [
    "Turkish",
    "Işıklı cam fener, ISPARTA ve İstanbul",
    ["ışıklı", "IŞIKLI", "isikli", "Isparta", "ısparta", "istanbul", "İSTANBUL"],
    ["sparta"],
  ],
  ["Polish", "Mosiężna łódź żaglowa", ["lodz", "ŁÓDŹ", "łód", "mosiezna"], ["odz"]],
  ["Danish", "Blå glaslygte med rødt lærred", ["rodt", "RØDT", "laerred", "blå"], ["rde"]],
  [
    "German",
    "Große Messingschüssel, Fußbank",
    ["grosse", "GROẞE", "große", "FUSSBANK", "messingschu"],
    ["bank"],
  ],
  ["Greek", "Μπρούτζινος δίσκος", ["ΔΙΣΚΟΣ", "δισκοσ", "δίσκ", "μπρουτζινος"], ["κος"]],
  [
    "French",
    "Huile d’olive de l'été, cœur d'œillet",
    ["olive", "d'olive", "dʼolive", "coeur", "OEILLET", "été", "ete"],
    ["live"],
  ],
  ["Arabic", "مَنارَةٌ نُحاسِيّة أحمر ٤٠", ["منارة", "مناره", "نحاس", "احمر", "40", "٤٠"], ["نارة"]],
  ["Persian", "کتاب می‌خوانم", ["كتاب", "میخوانم", "می‌خوانم"], ["خوانم"]],
  ["Hebrew", "מְנוֹרַת פליז צ׳כית", ["מנורת", "פליז", "צ'כית"], ["נורת"]],
  ["Vietnamese", "Đèn lồng thủy tinh", ["den long", "ĐÈN", "thuy"], ["tong"]],
  ["Ukrainian", "Шкіряний м'яч, ґудзик", ["м’яч", "мʼяч", "гудзик"], ["удзик"]],
];

describe("a search", () => {
  it.each(titles)("in %s finds the words of a title, however they are written", (...row) => {
    const [, title, searches, others] = row;
    expect(searches.filter((search) => !finds(title, search))).toEqual([]);
    expect(others.filter((search) => finds(title, search))).toEqual([]);
  });

  it("finds the words of a description, also in scripts without spaces", () => {
    const description = "蓝色玻璃，手工制作的茶盘。โคมไฟแก้วสีน้ำเงิน A lamp";
    for (const search of ["茶盘", "手工", "玻璃", "สีน้ำเงิน", "lam"])
      expect(isFound({ title: "灯笼", description }, search)).toBe(true);
  });

  it("finds every word of a title", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const title = text.replace(/\p{Default_Ignorable_Code_Point}/gu, "");
        const words = title.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
        for (const word of words)
          if (askedWords(word).length > 0) expect(finds(title, word)).toBe(true);
      }),
    );
  });

  it("finds every part of a title in a script without spaces, wherever a dictionary divides it", () => {
    const characters =
      "灯 笼 玻 璃 東 京 都 の ガ ラ ン タ ー が 한 국 어 ก โค ม ไฟ แก้ ว น้ำ เงิ น ລາ ว".split(" ");
    const title = fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(title, fc.nat(), fc.integer({ min: 1, max: 12 }), (parts, at, length) => {
        const start = at % parts.length;
        const part = parts.slice(start, start + length).join("");
        expect([part, finds(parts.join(""), part)]).toEqual([part, true]);
      }),
    );
  });
});

describe("the stored words", () => {
  it("are those of the title, then those of the description, each once, after a marker", () => {
    const item = { title: "Tea-tray (40cm), №5", description: "A tray: tea!" };
    expect(storedWords(item)).toEqual([marker, "tea", "tray", "40cm", "no5", "a"]);
  });

  it("are at most 200, those of the title first", () => {
    const many = Array.from({ length: 300 }, (_, n) => `w${n}`).join(" ");
    const stored = storedWords({ title: "蓝色灯笼", description: many });
    expect(stored).toHaveLength(200);
    expect(stored.slice(1, 6)).toEqual(["蓝色灯笼", "灯笼", "色灯笼", "笼", "w0"]);
    expect(
      ofTitle(String.fromCodePoint(...Array.from({ length: 300 }, (_, n) => 0x4e00 + n))),
    ).toHaveLength(200);
  });

  it("have at most 24 characters, and in scripts without spaces 8, without halves of a character", () => {
    expect(ofTitle("x".repeat(100))).toEqual([marker, "x".repeat(24)]);
    expect(ofTitle(`a${"𐐨".repeat(70)}`)).toEqual([marker, `a${"𐐨".repeat(23)}`]);
    expect(ofTitle("𠀀".repeat(300))[1]).toBe("𠀀".repeat(8));
  });

  it("take a bounded number of foldings, whatever the description", () => {
    for (const unit of ["的", "ア", "ก", "가 ", "ﷺ", "é ", "مَ "]) {
      const description = unit.repeat(5000 / unit.length);
      expect(foldings(() => storedWords({ title: "x", description }))).toBeLessThan(3000);
    }
  });

  it("are none in punctuation and in characters that folding removes", () => {
    expect(ofTitle(" … !? ـ \u3164")).toEqual([marker]);
  });
});

describe("the words of a search", () => {
  it("are the longest eight, and no word that begins another", () => {
    expect(askedWords("tea lan lantern te")).toEqual(["lantern", "tea"]);
    const search = "of the big red one two glass copper silver lantern candles board";
    expect(askedWords(search)).toEqual([
      ...["lantern", "candles", "copper", "silver", "glass", "board", "the", "big"],
    ]);
  });

  it("take at most a few hundred foldings, also of characters that stand for many", () => {
    for (const unit of ["的", "a ", "é ", "ﷺ", "㍿", "㍿ "])
      expect(foldings(() => askedWords(unit.repeat(100 / unit.length)))).toBeLessThan(300);
  });

  it("are at most eight words of letters, digits and marks, whatever is asked", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), (search) => {
        const asked = askedWords(search);
        expect(asked.length).toBeLessThanOrEqual(8);
        for (const word of asked) expect(word).toMatch(/^[\p{L}\p{N}\p{M}]{1,64}$/u);
      }),
    );
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
    expect(itemsQuery({ search: " " })).toEqual({ createdAt: { $gt: "" } });
  });

  it("filters sold items, unsold items or neither", () => {
    expect([itemsQuery({ sold: true }), itemsQuery({ sold: false }), itemsQuery({})]).toEqual([
      { isSold: true },
      { isSold: false },
      { createdAt: { $gt: "" } },
    ]);
  });
});
