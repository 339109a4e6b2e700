/** Prices as people write them. In the API they are integers in the currency's minor unit. */
import { currencyDigits } from "../../contracts/currencies.ts";

export interface PriceOptions {
  /** A BCP 47 tag, such as "de-CH". By default the visitor's language. */
  locale?: string | undefined;
  /** The digits of the minor unit, as in `/config.json`. By default those of ISO 4217. */
  digits?: number | undefined;
}

const formats = new Map<string, Intl.NumberFormat>();

/** The format with exactly the digits of the minor unit, never those that ICU knows. */
function formatOf(style: "currency" | "decimal", currency: string, options: PriceOptions) {
  const { locale, digits = currencyDigits(currency) } = options;
  const key = [style, currency, digits, locale].join();
  if (!formats.has(key))
    formats.set(
      key,
      new Intl.NumberFormat(locale, {
        style,
        currency,
        useGrouping: style === "currency",
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
    );
  return { format: formats.get(key)!, unit: 10 ** digits };
}

/** For display: "€1,234.50". `amount` is in minor units. */
export function formatPrice(amount: number, currency: string, options: PriceOptions = {}): string {
  const { format, unit } = formatOf("currency", currency, options);
  return format.format(amount / unit);
}

/** For an input field: "1234.50", or "1234,50" in German. `amount` is in minor units. */
export function toPriceInput(amount: number, currency: string, options: PriceOptions = {}): string {
  const { format, unit } = formatOf("decimal", currency, options);
  return format.format(amount / unit);
}
