import fc from "fast-check";
import { fold } from "../../domain/fold.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });

describe("folding", () => {
  it.each([
    ["case, also where lower case is not enough", "ß ẞ ſ Σ ς ŉ ﬃ", "ss ss s σ σ ʼn ffi"],
    ["the four letters i of Turkish", "I ı İ i", "i i i i"],
    ["accents", "Å é ñ ğ ő ű ế ё ά", "a e n g o u e е α"],
    ["letters without a decomposition", "ŁØĐŒÆĦÞÐŊŦƏ", "lodoeaehthdnte"],
    ["full-width and half-width forms", "ＬＥＤ ｶﾞ №", "led か\u3099 no"],
    ["katakana and hiragana", "ランタン ヽヾ", "らんたん ゝゝ\u3099"],
    ["digits of all scripts", "٤٠ ४० ๔๐ 𝟜𝟘 ⁴⁰", "40 40 40 40 40"],
    ["harakat, tatweel and forms of letters in Arabic", "مَنـارَةٌ أحمر کتابی", "مناره احمر كتابي"],
    ["niqqud in Hebrew", "מְנוֹרָה", "מנורה"],
    ["spellings of Hindi", "बाज़ार चाँदी", "बाजार चांदी"],
  ])("unites %s", (_what, text, folded) => {
    expect(fold(text)).toBe(folded);
  });

  it("keeps the vowel signs of Hindi and Tamil, the tones of Thai and the voiced marks of Japanese", () => {
    for (const [one, other] of [
      ["किताब", "कताब"],
      ["பூ", "பு"],
      ["ใหม่", "ใหม"],
      ["が", "か"],
    ])
      expect(fold(one!)).not.toBe(fold(other!));
  });

  it.each([
    ["ⱥƀȼɇƒǥɨɉĸƚɵɍʉɏƶ", "abcefgijkloruyz"],
    ["ȺɃȻɆƑǤƗɈȽƟɌɄɎƵ", "abcefgijloruyz"],
    ["അവൻ", "അവന്\u200D"],
    ["ൺർൽൾൿ", "ണ്ര്ല്ള്ക്"],
    ["উৎসব", "উত্\u200Dসব"],
  ])("gives %s the form of %s, by which people search it", (one, other) =>
    expect(fold(one)).toBe(fold(other)),
  );

  it("drops invisible characters", () => {
    const invisible =
      "\u00AD\u034F\u061C\u180B\u200B\u200C\u200D\u200E\u2060\u2066\u3164\uFE0F\uFEFF\u{E0100}";
    for (const character of invisible) expect(fold(`a${character}b`)).toBe("ab");
  });

  it("of a folded text changes nothing", () => {
    // The two marks change places when nothing stands between them any more.
    const stretched = "ก\u0E48\u0640\u0E38";
    expect(fold(fold(stretched))).toBe(fold(stretched));
    fc.assert(fc.property(anyText, (text) => expect(fold(fold(text))).toBe(fold(text))));
    for (let code = 0; code < 0x3_0000; code += 0x100) {
      const codes = Array.from({ length: 0x100 }, (_, offset) => code + offset);
      const folded = fold(codes.map((one) => String.fromCodePoint(one)).join(" "));
      expect(fold(folded)).toBe(folded);
    }
  });

  it("is the same for a text in upper case and in lower case", () => {
    // Greek upper case writes the iota subscript as a letter.
    const plain = anyText.map((text) => text.normalize("NFD").replaceAll("\u0345", ""));
    fc.assert(
      fc.property(plain, (text) => {
        expect(fold(text.toUpperCase())).toBe(fold(text));
        expect(fold(text.toLowerCase())).toBe(fold(text));
      }),
    );
  });
});
