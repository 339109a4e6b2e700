/** Prices: the digits of ISO 4217, and what people type in every language. */
import fc from "fast-check";
import { formatPrice, toPriceInput } from "../../client/money/format.ts";
import { parsePrice, type PriceReading } from "../../client/money/parse.ts";
import { currencies, currencyDigits } from "../../contracts/currencies.ts";
import { locales } from "../support/locales.ts";

/** In minor units, of every magnitude. */
const amount = fc
  .integer({ min: 0, max: 9 })
  .chain((digits) => fc.integer({ min: 1, max: 10 ** digits }));
const isRead = (reading: PriceReading, expected: number) =>
  "amount" in reading
    ? reading.amount === expected
    : "choices" in reading && reading.choices.includes(expected);
const read = (text: string, currency: string, locale: string) => {
  const reading = parsePrice(text, currency, { locale });
  if ("amount" in reading) return reading.amount;
  return "choices" in reading ? reading.choices : reading.fault;
};

describe("the currencies", () => {
  it("are the 165 of ISO 4217 that are in use and have a minor unit, each once", () => {
    expect([currencies().length, new Set(currencies()).size]).toEqual([165, 165]);
    for (const code of ["XAU", "XXX", "XTS", "XDR", "DEM", "HRK", "BGN", "ZWL", "SLL", "EURO", ""])
      expect(currencies()).not.toContain(code);
  });

  it.each([
    ["EUR", 2],
    ["HUF", 2],
    ["COP", 2],
    ["IDR", 2],
    ["MRU", 2],
    ["MGA", 2],
    ["IQD", 3],
    ["KWD", 3],
    ["TND", 3],
    ["JPY", 0],
    ["CLP", 0],
    ["UYI", 0],
    ["ISK", 0],
    ["UGX", 0],
    ["CLF", 4],
    ["UYW", 4],
    ["DEM", 2],
  ])("%s has %i digits", (currency, digits) => expect(currencyDigits(currency)).toBe(digits));

  it.each([
    [150_000, "HUF", "en", "HUF 1,500.00"],
    [150_000, "HUF", "hu", "1 500,00 Ft"],
    [1_500, "JPY", "ja", "￥1,500"],
    [1_500, "KWD", "en", "KWD 1.500"],
    [123_456, "UYW", "en", "UYW 12.3456"],
    [12_345_678, "INR", "en-IN", "₹1,23,456.78"],
    [1_000_000_000, "IDR", "id", "Rp 10.000.000,00"],
  ])("%i in %s is shown in %s as %s", (price, currency, locale, text) =>
    expect(formatPrice(price, currency, { locale }).replaceAll("\u00a0", " ")).toBe(text),
  );

  it("have the digits that a market says", () =>
    expect([
      formatPrice(150, "EUR", { locale: "en", digits: 0 }),
      parsePrice("1.5", "EUR", { locale: "en", digits: 4 }),
    ]).toEqual(["€150", { amount: 15_000 }]));
});

describe("a price that was written by the page", () => {
  it("is read in every language as itself, or its reader is asked", () => {
    const everywhere = fc.tuple(
      fc.constantFrom(...locales()),
      fc.constantFrom(...currencies()),
      amount,
    );
    const isReadAsItself = ([locale, currency, price]: [string, string, number]) =>
      [formatPrice, toPriceInput].every((write) =>
        isRead(parsePrice(write(price, currency, { locale }), currency, { locale }), price),
      );
    fc.assert(fc.property(everywhere, isReadAsItself), { numRuns: 500 });
  });

  it("with two digits of cents is read without a question in every language", () => {
    for (const locale of locales())
      expect([locale, read(formatPrice(123_456, "EUR", { locale }), "EUR", locale)]).toEqual([
        locale,
        123_456,
      ]);
  });
});

describe("a typed price", () => {
  it.each([
    // [text, currency, language, the amount, the amounts to choose from, or the fault]
    ...[
      "45",
      "45 €",
      "€45",
      "€ 45",
      "EUR 45",
      "45EUR",
      "eur 45",
      "45 euros",
      "45.00",
      "45,00",
      "45,-",
      "45.–",
      "45:-",
      "+45",
      "€ +45",
      "45.",
      "４５",
      "٤٥",
      "৪৫",
      "४५",
      "๔๕",
      "၄၅",
      "۴۵",
      "\u200e45\u00a0€\u200f",
      "45\u202f€",
      "45\u2009€",
      "\u200745",
    ].map((text) => [text, "EUR", "en", 4_500] as const),
    ["45.5", "EUR", "de", 4_550],
    ["45€50", "EUR", "fr", 4_550],
    [",5", "EUR", "en", 50],
    ["$.99", "USD", "en", 99],
    ["0,45", "EUR", "en", 45],
    ["٤٥٫٥", "KWD", "ar", 45_500],
    ...[
      "1 234,50",
      "1\u202f234,50",
      "1\u00a0234,5",
      "1'234.50",
      "1’234.50",
      "1,234.50",
      "1.234,50",
      "1234.5",
      "١٬٢٣٤٫٥٠",
      "EUR 1.234,50",
    ].map((text) => [text, "EUR", "fr", 123_450] as const),
    ["1,23,456", "INR", "en-IN", 12_345_600],
    ["₹1,23,456.78", "INR", "en", 12_345_678],
    ["1.234.567", "EUR", "en", 123_456_700],
    ["45 kr", "SEK", "en", 4_500],
    ["kr. 45", "DKK", "da", 4_500],
    ["Fr. 45.–", "CHF", "de-CH", 4_500],
    ["US$ 45", "USD", "en", 4_500],
    ["1500 Ft", "HUF", "en", 150_000],
    ["4500円", "JPY", "en", 4_500],
    ["￥４，５００", "JPY", "ja", 4_500],
    ["د.ك. ١٫٢٣٤", "KWD", "ar-KW", 1_234],
    ["0.500", "KWD", "en", 500],
    ["1.2345", "CLF", "en", 12_345],
    // The mark of groups of the language, and no price has three digits of cents.
    ["1.234", "EUR", "de", 123_400],
    ["1,234", "EUR", "en", 123_400],
    ["45.000", "EUR", "de", 4_500_000],
    ["1.000", "JPY", "de", 1_000],
    ["1,234", "JPY", "en", 1_234],
    // Two meanings, or one that is unusual in the language.
    ["1.234", "KWD", "en", [1_234, 1_234_000]],
    ["1,234", "KWD", "en", [1_234_000, 1_234]],
    ["1.234", "CLF", "en", [12_340, 12_340_000]],
    ["1.234", "EUR", "en", [123_400]],
    ["1,234", "EUR", "de", [123_400]],
    ["1.234", "EUR", "fr", [123_400]],
    ["45.000", "EUR", "en", [4_500, 4_500_000]],
    ["45.000", "EUR", "fr", [4_500_000, 4_500]],
    ["1.000", "JPY", "en", [1, 1_000]],
    ["12,00", "JPY", "en", [12]],
    ["Rs.50", "INR", "en", [5_000, 50]],
    ["45 K", "MMK", "en", [4_500, 4_500_000]],
    // Names of the currency, and what stands for no cents.
    ["45 yen", "JPY", "en", 45],
    ["45 Euro", "EUR", "en", 4_500],
    ...["45 dollars", "45 Dollar", "USD$45", "$45 USD"].map(
      (text) => [text, "USD", "en", 4_500] as const,
    ),
    ["45 dollars", "CAD", "en", 4_500],
    ["45 pesos", "MXN", "es", 4_500],
    ["45 CFA", "XOF", "fr", 45],
    ["5 гривень", "UAH", "uk", 500],
    ["5 грн", "UAH", "en", 500],
    ["45块", "CNY", "zh", 4_500],
    ["Tk 45", "BDT", "en", 4_500],
    ["45 dh", "MAD", "fr", 4_500],
    ["45 Kc", "CZK", "en", 4_500],
    ["रु 45", "INR", "hi", 4_500],
    ...["5/-", "Rs. 5/-", "Rs 5/=", "₹5 /-"].map((text) => [text, "INR", "en", 500] as const),
    ...["45 :-", "45:-", "45 kr", "45,- kr"].map((text) => [text, "SEK", "sv", 4_500] as const),
    ...["45:50", "45:50 kr", "45 kr 50"].map((text) => [text, "SEK", "en", 4_550] as const),
    ["1.234:50", "SEK", "sv", 123_450],
    ...["1.234.-", "1'234.-", "1.234,-", "€ 1.234,=", "1.234.="].map(
      (text) => [text, "EUR", "nl", 123_400] as const,
    ),
    ["45,00=", "EUR", "it", 4_500],
    ["45 € 50", "EUR", "fr", 4_550],
    // In Spain, an apostrophe also stands before the cents.
    ["5'500", "KWD", "es", [5_500_000, 5_500]],
    ["5'500", "EUR", "es", 550_000],
    ["5'50", "EUR", "es", [550]],
    ["0'500", "KWD", "es", [500]],
    ["1'234'567", "EUR", "es", 123_456_700],
    ["١٬٢٣٤", "KWD", "ar-KW", 1_234_000],
    // Not a price.
    ["", "EUR", "en", "empty"],
    [" \u200b", "EUR", "en", "empty"],
    ...[
      "five",
      "45 50",
      "1 2345",
      "1,234,56",
      "1.2.3",
      "1e3",
      "45²",
      "½",
      "①",
      "0x10",
      "1/2",
      "45+5",
      "10-20",
      "45 cents",
      "45ct",
      "45k",
      "45 %",
      "9".repeat(101),
    ].map((text) => [text, "EUR", "en", "notANumber"] as const),
    ...["-45", "−45", "€-45", "45-", "45 -", "(45)"].map(
      (text) => [text, "EUR", "en", "negative"] as const,
    ),
    ["45:50", "EUR", "en", "notANumber"],
    ["1:5", "SEK", "sv", "notANumber"],
    ["45 tis", "CZK", "cs", "notANumber"],
    ...["45 dollars", "45 dollar", "45 yen", "45 Mexican pesos", "Dollar 45"].map(
      (text) => [text, "EUR", "en", "otherCurrency"] as const,
    ),
    ...["US$45", "45 US dollars", "45 pesos"].map(
      (text) => [text, "CAD", "en", "otherCurrency"] as const,
    ),
    ...["£45", "45 USD", "US$45", "$45", "45 kr€", "¥45"].map(
      (text) => [text, "EUR", "en", "otherCurrency"] as const,
    ),
    ["45.678", "EUR", "en", [4_567_800]],
    ["45.6789", "EUR", "en", "tooPrecise"],
    ["1,234.567", "EUR", "en", "tooPrecise"],
    ["1.5", "JPY", "en", "tooPrecise"],
    ["0", "EUR", "en", "outOfRange"],
    ["10000000", "EUR", "en", 1_000_000_000],
    ["10000000.01", "EUR", "en", "outOfRange"],
  ] as [string, string, string, number | number[] | string][])(
    "%j in %s, in %s, is %j",
    (text, currency, locale, expected) => expect(read(text, currency, locale)).toEqual(expected),
  );

  it("is never off by a factor: a number with a decimal mark of another language is that number, or a question", () => {
    const marks = fc.constantFrom(
      ["", "."],
      ["", ","],
      [",", "."],
      [".", ","],
      [" ", ","],
      ["'", "."],
      ["\u202f", ","],
    );
    const typed = fc.tuple(
      fc.constantFrom("en", "de", "fr", "de-CH", "en-IN", "ar-EG"),
      fc.constantFrom("EUR", "JPY", "KWD", "CLF"),
      marks,
      amount,
    );
    fc.assert(
      fc.property(typed, ([locale, currency, [group, decimal], price]) => {
        const digits = currencyDigits(currency);
        const plain = String(price).padStart(digits + 1, "0");
        const whole = plain.slice(0, plain.length - digits).replace(/\B(?=(\d{3})+$)/g, group!);
        const text = digits ? `${whole}${decimal}${plain.slice(-digits)}` : whole;
        return isRead(parsePrice(text, currency, { locale }), price);
      }),
      { numRuns: 2_000 },
    );
  });
});
