/** What a mail says: subject, plain text and HTML, in the user's language. Pure. */
import { currencyDigits } from "../../../contracts/currencies.ts";
import type { Language } from "../../../contracts/languages.ts";
import { SaleData, type Notification } from "../../../contracts/notifications.ts";
import { checker } from "../../../broker/validator.ts";
import { escaped } from "../../../edge/page/tags.ts";
import { mailTexts } from "./texts.ts";

export interface MailContent {
  subject: string;
  text: string;
  html: string;
}

interface Part {
  text: string;
  /** The paragraph is a link to this URL. */
  href?: string;
  isSmall?: boolean;
}

const maxSubject = 120;

/** For one line: control characters, line ends and characters that reorder others become spaces. */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066-\u2069]+/gu, " ").trim();

const shortened = (text: string): string => {
  const characters = [...oneLine(text)];
  return characters.length > maxSubject
    ? `${characters.slice(0, maxSubject - 1).join("")}…`
    : characters.join("");
};

/** "1.500,00 €": the digits follow ISO 4217, as on the page. */
function priceOf({ price, currency }: { price: number; currency: string }, language: Language) {
  const digits = currencyDigits(currency);
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    const format = new Intl.NumberFormat(language, { style: "currency", currency, ...fraction });
    return format.format(price / 10 ** digits);
  } catch {
    // A stored code that is none.
    return `${price / 10 ** digits} ${currency}`;
  }
}

const checkSale = checker(SaleData);
const isSale = (data: unknown): data is SaleData => checkSale(data).length === 0;

/** The mail about a notice. `origin` is the page's, such as "https://souk.example". */
export function noticeMail(
  { type, text, data }: Notification,
  { name, language, origin }: { name: string; language: Language; origin: string },
): MailContent {
  const t = mailTexts[language];
  const { host } = new URL(origin);
  const footer = [
    { text: type === "test" ? "" : t.reason(host), isSmall: true },
    { text: t.settings, href: `${origin}/shop/account`, isSmall: true },
  ];
  const greeting = { text: t.hello(oneLine(name)) };
  if (type === "test")
    return mail(language, t.test.subject, [greeting, { text: t.test.text }, ...footer]);
  if (type === "sale" && isSale(data)) {
    const title = oneLine(data.title);
    const sold = { text: t.sale.text(title, priceOf(data, language)) };
    const link = { text: t.sale.link, href: `${origin}/shop/sales` };
    return mail(language, t.sale.subject(title), [greeting, sold, link, ...footer]);
  }
  const link = { text: t.notice.link, href: `${origin}/shop/inbox` };
  return mail(language, text, [greeting, { text: oneLine(text) }, link, ...footer]);
}

/** The mail that verifies an address. It has no text of the account, because anybody could send theirs to a stranger by it. */
export function verificationMail(
  token: string,
  { language, origin }: { language: Language; origin: string },
): MailContent {
  const t = mailTexts[language].verification;
  return mail(language, t.subject, [
    { text: t.text(new URL(origin).host) },
    // The fragment is sent to no server, and a program that opens links does not use the token up.
    { text: t.link, href: `${origin}/verify#${token}` },
    { text: t.ignore, isSmall: true },
  ]);
}

function mail(language: Language, subject: string, parts: Part[]): MailContent {
  const shown = parts.filter(({ text }) => text !== "");
  return {
    subject: shortened(subject),
    text: `${shown.map(({ text, href }) => (href ? `${text}:\n${href}` : text)).join("\n\n")}\n`,
    html: htmlOf(language, shown),
  };
}

/** Without images and scripts: nothing of it is loaded, so that nobody learns when the mail is read. */
function htmlOf(language: Language, parts: Part[]): string {
  const paragraphs = parts.map(({ text, href, isSmall }) => {
    const inner = href ? `<a href="${escaped(href)}">${escaped(text)}</a>` : escaped(text);
    return `<p${isSmall ? ' style="color:#666;font-size:13px"' : ""}>${inner}</p>`;
  });
  return [
    "<!doctype html>",
    `<html lang="${language}"><head><meta charset="utf-8"></head>`,
    '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:36em">',
    ...paragraphs,
    "</body></html>\n",
  ].join("\n");
}
