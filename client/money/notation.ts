/** How prices in one currency are written in one language. */

export interface Notation {
  /** The code of the currency, in lower case. */
  code: string;
  /** The marks between groups of digits and before the minor unit. */
  group: string;
  decimal: string;
  /** Digits are written in groups of two, as in Toki Pona. */
  hasPairs: boolean;
  /** The signs, codes, names and words of names of the currency, such as "dollars", each without spaces and dots. */
  signs: Set<string>;
  /** The digits of the language, from 0 to 9. */
  digits: string[];
}

/** What people type that Intl does not write. */
const aliases: Record<string, string> = {
  AED: "dh dhs",
  AUD: "au$",
  BDT: "tk",
  BHD: "bd",
  CAD: "c$",
  CHF: "fr sfr",
  CNY: "元 圆 块 块钱 rmb",
  CVE: "$ esc",
  DZD: "da",
  EGP: "le",
  ETB: "br",
  GBP: "quid",
  GHS: "gh¢",
  ILS: "nis",
  INR: "rs re रु",
  JOD: "jd",
  JPY: "円",
  KES: "sh ksh",
  KRW: "원",
  KWD: "kd",
  KZT: "тг",
  MAD: "dh dhs",
  NGN: "n",
  NPR: "re रु",
  PEN: "s/",
  PHP: "p piso",
  PLN: "zl",
  RSD: "din дин",
  RUB: "руб р",
  SAR: "sr",
  SGD: "s$",
  TND: "dt",
  TRY: "tl",
  TZS: "sh tsh",
  UAH: "грн",
  UGX: "sh ush",
  USD: "us$",
  VND: "đ",
};

const notations = new Map<string, Notation>();

export function notationOf(currency: string, locale: string | undefined): Notation {
  const key = [currency, locale].join();
  if (!notations.has(key)) notations.set(key, readNotation(currency, locale));
  return notations.get(key)!;
}

/** A sign as it is compared: "د.ك." and "F CFA" are written with and without dots and spaces, "Kč" without accents. */
export const bareSign = (text: string) =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\s.\p{Cf}\p{M}]/gu, "");

function readNotation(currency: string, locale: string | undefined): Notation {
  const parts = partsOf(locale, { style: "currency", currency, minimumFractionDigits: 2 }, 1234567);
  const valueOf = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return {
    code: currency.toLowerCase(),
    group: valueOf("group"),
    decimal: valueOf("decimal"),
    hasPairs: parts.findLast(({ type }) => type === "integer")?.value.length === 2,
    signs: new Set([
      ...writtenSigns(currency, locale),
      ...(aliases[currency] ?? "").split(" ").map(bareSign),
    ]),
    digits: [
      ...new Intl.NumberFormat(locale, { useGrouping: false }).format(9_876_543_210),
    ].reverse(),
  };
}

function writtenSigns(currency: string, locale: string | undefined): string[] {
  const written = [locale, "en"].flatMap((language) =>
    (["code", "symbol", "narrowSymbol", "name"] as const).flatMap((currencyDisplay) =>
      // The name of a currency depends on the number: "2 złote", "5 złotych", "1 euro", "1,00 euros".
      (currencyDisplay === "name" ? [1, 2, 5, 1.5] : [1]).map((number) => {
        const options = { style: "currency", currency, currencyDisplay } as const;
        const minimumFractionDigits = number % 1 ? 1 : 0;
        const parts = partsOf(language, { ...options, minimumFractionDigits }, number);
        return parts.find(({ type }) => type === "currency")?.value ?? "";
      }),
    ),
  );
  return written.flatMap((name) => [bareSign(name), ...wordsOf(name)]);
}

/** The words of a currency's name. Short ones are no names: "de", "US". */
const wordsOf = (name: string): string[] => name.match(/[\p{L}\p{M}]{3,}/gu)?.map(bareSign) ?? [];

let codesAndNames: Set<string> | undefined;

/** The text has a sign, a code or an English name of any currency. */
export function isCurrency(text: string): boolean {
  codesAndNames ??= new Set(
    Intl.supportedValuesOf("currency").flatMap((currency) => {
      const options = { style: "currency", currency, currencyDisplay: "name" } as const;
      return wordsOf(`${currency} ${new Intl.NumberFormat("en", options).format(2)}`);
    }),
  );
  const isKnown = (word: string) => codesAndNames!.has(word) || codesAndNames!.has(`${word}s`);
  return /\p{Sc}/u.test(text) || wordsOf(text).some(isKnown);
}

const partsOf = (locale: string | undefined, options: Intl.NumberFormatOptions, number: number) =>
  new Intl.NumberFormat(locale, options).formatToParts(number);
