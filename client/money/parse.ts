/** Reads prices as people type them, and as `formatPrice` writes them, in any language. */
import { currencyDigits, maxAmount } from "../../contracts/currencies.ts";
import type { PriceOptions } from "./format.ts";
import { bareSign, isCurrency, notationOf, type Notation } from "./notation.ts";

/** Why a text is not a price. */
export type PriceFault =
  | "empty"
  | "notANumber"
  | "negative"
  /** It has a sign that is not of this currency. */
  | "otherCurrency"
  /** It has more decimal places than the currency. */
  | "tooPrecise"
  /** It is 0, or above the highest price. */
  | "outOfRange";

/** An amount in minor units; or, for a text such as "1.234", the amounts that it may mean, the likeliest first; or a fault. */
export type PriceReading = { amount: number } | { choices: number[] } | { fault: PriceFault };

/** The amounts that a number may mean. `isSure`: it can be taken without a question. */
interface Readings {
  amounts: number[];
  isSure: boolean;
  fault?: PriceFault;
}

const maxLength = 100;
const minus = /[-−‐-―﹣(]/;
/** Between digits: a decimal mark for certain, and a mark of groups for certain. */
const [certainDecimal, certainGroup] = ["٫", " "];
/** Between groups in Switzerland, and before the cents in Spain. */
const apostrophe = "'";

/** Never guesses: a text with two meanings returns both. */
export function parsePrice(
  text: string,
  currency: string,
  { locale, digits = currencyDigits(currency) }: PriceOptions = {},
): PriceReading {
  const notation = notationOf(currency, locale);
  const plain = plainText(text, notation);
  if (!plain) return { fault: "empty" };
  const [, lead = "", body = "", tail = ""] =
    /^(\D*)(\d(?:.*\d)?)(\D*)$/s.exec(plain.length > maxLength ? "" : plain) ?? [];
  if (!body) return { fault: "notANumber" };
  const before = readLead(lead, notation);
  const after = readTail(tail, notation, digits);
  const fault = before.fault ?? after.fault;
  if (fault) return { fault };
  const number = plainMarks(body, notation, digits) + after.end;
  const readings = before.starts.map((start) => readNumber(start + number, notation, digits));
  return conclude(readings, after.multiples);
}

function conclude(readings: Readings[], multiples: number[]): PriceReading {
  const found = readings.filter(({ amounts }) => amounts.length > 0);
  const amounts = found
    .flatMap((one) => one.amounts)
    .flatMap((amount) => multiples.map((multiple) => amount * multiple));
  const choices = [...new Set(amounts)].filter((amount) => amount > 0 && amount <= maxAmount);
  if (choices.length === 0)
    return { fault: amounts.length > 0 ? "outOfRange" : readings[0]!.fault! };
  const isSure = amounts.length === 1 && found.every((one) => one.isSure);
  return isSure ? { amount: choices[0]! } : { choices };
}

/** With digits from 0 to 9, plain spaces and no invisible characters. */
const plainText = (text: string, { digits }: Notation) =>
  text
    .replace(/[\p{Cf}\uFE0E\uFE0F]/gu, "")
    .replace(/[\uFF01-\uFFEE]/g, (wide) => wide.normalize("NFKC"))
    .replace(/\p{Nd}/gu, (digit) => String(digitValue(digit)))
    .replace(/\P{ASCII}/gu, (char) => (digits.includes(char) ? String(digits.indexOf(char)) : char))
    .replace(/\s+/g, " ")
    .trim();

/** Unicode has decimal digits in runs of ten. The mathematical digits are five runs without a gap. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0)!;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return (code - zero) % 10;
}

/** The text before the number. `starts` are the beginnings that the number may have: in "Rs.50", the dot may be a decimal mark. */
function readLead(lead: string, notation: Notation): { starts: string[]; fault?: PriceFault } {
  if (minus.test(lead)) return { starts: [], fault: "negative" };
  const [, text = "", mark = ""] = /^(.*?)([.,٫]?)$/s.exec(lead.replace("+", ""))!;
  const sign = bareSign(text);
  if (!isSign(sign, notation)) return { starts: [], fault: faultOf(text) };
  const isAbbreviation = mark === "." && sign && !/\p{Sc}$/u.test(sign);
  return { starts: isAbbreviation ? ["", mark] : [mark] };
}

/** The text after the number. "45,-", "45 :-", "45/-" and "45.=" have no cents. In "45 K", the sign of the kwacha may also mean thousands. */
function readTail(tail: string, notation: Notation, digits: number) {
  const [, mark = "", dashes = "", text = ""] =
    /^\s?((?:[.,:]|\/(?=[-=]))?)([-‐-―−=]{0,2})(.*)$/s.exec(tail)!;
  const sign = bareSign(text);
  const multiples = sign === "k" ? [1, 1_000] : sign === "m" ? [1, 1_000_000] : [1];
  const end = mark && dashes ? certainDecimal + "0".repeat(digits) : "";
  const fault =
    (minus.test(dashes) && !mark) || minus.test(text) || text.includes(")")
      ? ("negative" as const)
      : isSign(sign, notation)
        ? undefined
        : faultOf(text);
  return { end, multiples, fault };
}

/** Nothing, a sign, or a sign and the code: "$45 USD", "USD$45". */
const isSign = (sign: string, { code, signs }: Notation) =>
  !sign || signs.has(sign) || signs.has(sign.replace(code, ""));

const faultOf = (text: string): PriceFault => (isCurrency(text) ? "otherCurrency" : "notANumber");

/** A number with the marks ".", ",", " ", "'" and the one that is certain. In "45€50" and "45 kr 50", the sign is the decimal mark. */
function plainMarks(body: string, notation: Notation, digits: number): string {
  const { group, decimal, signs } = notation;
  const known = body
    .replaceAll(/['’‘ʼ`´′]/g, apostrophe)
    .replaceAll("٬", certainGroup)
    .replaceAll(/[^\d\s.,']/g, (mark) =>
      mark === decimal ? certainDecimal : mark === group ? certainGroup : mark,
    )
    .replaceAll("،", ",");
  const cents = new RegExp(`\\s?(\\p{Sc}|[^\\d\\s.,']{2,}|:)\\s?(?=\\d{${digits || 1}}$)`, "u");
  return known.replace(cents, (text, sign: string) =>
    digits > 0 && (sign === ":" ? signs.has("kr") : isSign(bareSign(sign), notation))
      ? certainDecimal
      : text,
  );
}

function readNumber(number: string, notation: Notation, digits: number): Readings {
  const { group, decimal } = notation;
  const [, whole = "", mark = "", cents = ""] = /^(.*)([.,٫'])(\d*)$/s.exec(number) ?? [];
  const hasDecimals = mark && !whole.includes(mark) && (!whole || isWhole(whole, notation));
  const exact = hasDecimals ? toAmount(whole, cents, digits) : undefined;
  const grouped = isWhole(number, notation) ? toAmount(number, "", digits) : undefined;
  if (exact === undefined && grouped === undefined)
    return { amounts: [], isSure: false, fault: hasDecimals ? "tooPrecise" : "notANumber" };
  if (grouped === undefined)
    return { amounts: [exact!], isSure: cents.length <= digits && mark !== apostrophe };
  // "1.234": the mark may be that of another language, unless it is the mark of groups here and the other reading is no usual one.
  const isPlain = !mark || whole.includes(mark);
  if (isPlain || ((mark === group || mark === apostrophe) && cents.length > digits))
    return { amounts: [grouped], isSure: true };
  const likeliest = mark === decimal ? [exact, grouped] : [grouped, exact];
  return { amounts: likeliest.filter((amount) => amount !== undefined), isSure: false };
}

/** A whole number, with or without marks between its groups: "1234", "1,234,567", "12,34,567". */
const isWhole = (text: string, { hasPairs }: Notation) =>
  /^\d+$/.test(text) ||
  /^[1-9]\d{0,2}([., '])\d{3}(?:\1\d{3})*$/.test(text) ||
  /^[1-9]\d?([., '])\d\d(?:\1\d\d)*\1\d{3}$/.test(text) ||
  (hasPairs && /^[1-9]\d?(?: \d\d)+$/.test(text));

/** Undefined when the number has more decimal places than the currency. */
function toAmount(whole: string, cents: string, digits: number): number | undefined {
  if (/[1-9]/.test(cents.slice(digits))) return undefined;
  return Number(whole.replace(/\D/g, "") + cents.slice(0, digits).padEnd(digits, "0"));
}
