import { currencyDigits } from "../../contracts/currencies.ts";
import type { Notification, SaleData } from "../../contracts/notifications.ts";
import type { PushMessage } from "../../contracts/push-message.ts";

/** The lengths in characters that phones show at most. A push service takes 4,096 bytes, and a character up to 4. */
const maxTitle = 120;
const maxBody = 300;

interface Texts {
  sold(price: string): string;
  test: string;
}

const english: Texts = {
  sold: (price) => `Sold for ${price}`,
  test: "This is a test: notices reach this device.",
};

const texts: Record<string, Texts> = {
  en: english,
  de: {
    sold: (price) => `Verkauft für ${price}`,
    test: "Dies ist ein Test: Hinweise erreichen dieses Gerät.",
  },
};

/** What a device shows of a notice, in the user's language. A notice of an unknown type shows its own text, and leads to the inbox. */
export function pushMessageOf(notice: Notification, language: string): PushMessage {
  const { id, type } = notice;
  const known = texts[language] ? language : "en";
  const common = { id, language: known };
  const sale = type === "sale" ? saleOf(notice) : undefined;
  if (sale)
    return {
      ...common,
      title: shortened(sale.title, maxTitle),
      body: texts[known]!.sold(formatted(sale, known)),
      path: `/shop/items/${encodeURIComponent(sale.itemId)}`,
    };
  const body = type === "test" ? texts[known]!.test : shortened(notice.text, maxBody);
  return { ...common, title: "Souk", body, path: "/shop/inbox" };
}

type Sold = Pick<SaleData, "itemId" | "title" | "price" | "currency">;

/** The sale of a notice; undefined when its data are not those of one. */
function saleOf({ data }: Notification): Sold | undefined {
  const { itemId, title, price, currency } = data as Partial<Record<keyof Sold, unknown>>;
  const isSale =
    typeof itemId === "string" &&
    typeof title === "string" &&
    Number.isSafeInteger(price) &&
    /^[A-Z]{3}$/.test(String(currency));
  // The cast: checked above.
  return isSale ? (data as Sold) : undefined;
}

function formatted({ price, currency }: Sold, language: string): string {
  const digits = currencyDigits(currency);
  const format = new Intl.NumberFormat(language, {
    ...{ style: "currency", currency },
    ...{ minimumFractionDigits: digits, maximumFractionDigits: digits },
  });
  return format.format(price / 10 ** digits);
}

/** At most this many characters (UTF-16), without half of one. */
function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text
    .slice(0, length - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, "")}…`;
}
