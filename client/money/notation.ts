/** How prices in one currency are written in one language. */

export interface Notation {
  /** The marks between groups of digits and before the minor unit. */
  group: string;
  decimal: string;
  /** Digits are written in groups of two, as in Toki Pona. */
  hasPairs: boolean;
  /** The signs, codes and names of the currency, each without spaces and dots. */
  signs: Set<string>;
  /** The digits of the language, from 0 to 9. */
  digits: string[];
}

/** What people type that Intl does not write. */
const aliases: Record<string, string> = {
  CAD: "c$",
  CHF: "fr sfr",
  CNY: "元 rmb",
  CZK: "kc",
  INR: "rs",
  JPY: "円",
  KRW: "원",
  PLN: "zl",
  RUB: "руб р",
  SGD: "s$",
  TRY: "tl",
  USD: "us$",
  VND: "đ vnđ",
};

const notations = new Map<string, Notation>();

export function notationOf(currency: string, locale: string | undefined): Notation {
  const key = [currency, locale].join();
  if (!notations.has(key)) notations.set(key, readNotation(currency, locale));
  return notations.get(key)!;
}

/** A sign as it is compared: "د.ك." and "F CFA" are written with and without dots and spaces. */
export const bareSign = (text: string) =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s.\p{Cf}]/gu, "");

function readNotation(currency: string, locale: string | undefined): Notation {
  const parts = partsOf(locale, { style: "currency", currency, minimumFractionDigits: 2 }, 1234567);
  const valueOf = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return {
    group: valueOf("group"),
    decimal: valueOf("decimal"),
    hasPairs: parts.findLast(({ type }) => type === "integer")?.value.length === 2,
    signs: new Set([...writtenSigns(currency, locale), ...(aliases[currency] ?? "").split(" ")]),
    digits: [
      ...new Intl.NumberFormat(locale, { useGrouping: false }).format(9_876_543_210),
    ].reverse(),
  };
}

function writtenSigns(currency: string, locale: string | undefined): string[] {
  return [locale, "en"].flatMap((language) =>
    (["code", "symbol", "narrowSymbol", "name"] as const).flatMap((currencyDisplay) =>
      // The name of a currency depends on the number: "2 złote", "5 złotych".
      (currencyDisplay === "name" ? [1, 2, 5] : [1]).flatMap((number) =>
        partsOf(language, { style: "currency", currency, currencyDisplay }, number)
          .filter(({ type }) => type === "currency")
          .map(({ value }) => bareSign(value)),
      ),
    ),
  );
}

const partsOf = (locale: string | undefined, options: Intl.NumberFormatOptions, number: number) =>
  new Intl.NumberFormat(locale, options).formatToParts(number);
