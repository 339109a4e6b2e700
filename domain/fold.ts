/**
 * Folding: texts that people regard as the same become equal. It depends on the characters only, never on the
 * locale of the machine. Both stored items and searches use it.
 */

/** Zero-width characters, soft hyphens, byte order marks, bidirectional marks, variation selectors. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * Marks that people leave out when they type: accents of Latin, Greek and Cyrillic, Arabic harakat, Hebrew niqqud,
 * Syriac points, and the nukta of Devanagari (बाजार for बाज़ार). All other marks stay, because they are letters to
 * their readers: the vowel signs of the Indic scripts (किताब is not कताब), Thai vowels and tones, and the voiced
 * marks of Japanese (が is not か). Tatweel, which only stretches Arabic words, goes too.
 */
const optionalMarks =
  /[[\p{M}&&[\p{sc=Inherited}\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}]]--[\u3099\u309A]]|[\u093C\u0640]/gv;

/** Letters without a decomposition in Unicode, and letters that keyboards and spellings interchange. */
const replacements: Record<string, string> = {
  ...{ æ: "ae", ð: "d", đ: "d", ħ: "h", ł: "l", ŋ: "n", ø: "o", œ: "oe", þ: "th", ŧ: "t", ə: "e" },
  ...{
    ⱥ: "a",
    ƀ: "b",
    ȼ: "c",
    ɇ: "e",
    ƒ: "f",
    ǥ: "g",
    ɨ: "i",
    ɉ: "j",
    ĸ: "k",
    ƚ: "l",
    ɵ: "o",
    ɍ: "r",
    ʉ: "u",
    ɏ: "y",
    ƶ: "z",
  },
  // African letters
  ...{ ɓ: "b", ɖ: "d", ɗ: "d", ɛ: "e", ɣ: "g", ƙ: "k", ɔ: "o", ʋ: "v", ƴ: "y" },
  // Bengali and Malayalam letters that are also written with a virama
  ...{ ৎ: "ত্", ൺ: "ണ്", ൻ: "ന്", ർ: "ര്", ൽ: "ല്", ൾ: "ള്", ൿ: "ക്" },
  // Greek final sigma; Ukrainian ge, which Russian keyboards lack; Hindi chandrabindu (चाँदी, चांदी)
  ...{ ς: "σ", ґ: "г", "\u0901": "\u0902" },
  // Arabic, Persian and Urdu forms of alef, yeh, kaf and heh
  ...{ ٱ: "ا", ى: "ي", ی: "ي", ک: "ك", ة: "ه", ە: "ه", ہ: "ه" },
};
const replaced = new RegExp(Object.keys(replacements).join("|"), "g");
const katakana = /[\u30A1-\u30F6\u30FD\u30FE]/g;
const kanaDistance = 0x60;
const foreignDigits = /(?![0-9])\p{Nd}/gu;

/** Of ASCII and the common Chinese characters, folding changes the case only. */
const isPlain = (text: string) => /^[\0-\x7F\u4E00-\u9FFF]*$/.test(text);

/**
 * Full case folding, without optional marks and invisible characters, in the compatibility decomposition. Digits of
 * all scripts become ASCII, katakana becomes hiragana. `fold(fold(x))` is `fold(x)`.
 */
export function fold(text: string): string {
  if (isPlain(text)) return text.toLowerCase();
  const letters = text.replace(invisible, "").normalize("NFKD").replace(optionalMarks, "");
  // Upper case unites what lower case keeps apart (ß, ſ, ı); ẞ has an upper case only after its lower case.
  const lower = letters.toLowerCase().toUpperCase().toLowerCase();
  return lower
    .replace(replaced, (letter) => replacements[letter]!)
    .replace(katakana, (kana) => String.fromCharCode(kana.charCodeAt(0) - kanaDistance))
    .replace(foreignDigits, toAsciiDigit)
    .normalize("NFD"); // Marks whose order counted only because of a removed character are sorted.
}

/** Unicode assigns the digits of each script in one row of ten, or several such rows without a gap. */
function toAsciiDigit(digit: string): string {
  const code = digit.codePointAt(0)!;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String((code - zero) % 10);
}

/**
 * The visible text with compatibility characters resolved and letters composed, as dictionaries of words have them.
 * NFKC splits the Thai and Lao vowel "am"; it is joined again.
 */
export function composed(text: string): string {
  if (isPlain(text)) return text;
  return text
    .replace(invisible, "")
    .normalize("NFKC")
    .replaceAll("\u0E4D\u0E32", "\u0E33")
    .replaceAll("\u0ECD\u0EB2", "\u0EB3");
}
