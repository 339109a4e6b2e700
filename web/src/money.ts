/** Prices in the visitor's language. In the contracts they are integers in the currency's smallest unit. */
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string): Intl.NumberFormat {
  if (!formats.has(currency))
    formats.set(currency, new Intl.NumberFormat(undefined, { style: "currency", currency }));
  return formats.get(currency)!;
}

/** The number of decimal places of a currency. */
const decimals = (currency: string) =>
  formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2;

/** For display: "€45.00". */
export const formatPrice = (amount: number, currency: string) =>
  formatOf(currency).format(amount / 10 ** decimals(currency));

/** For an input field: "45.00". */
export const toPriceInput = (amount: number, currency: string) =>
  (amount / 10 ** decimals(currency)).toFixed(decimals(currency));

/** Reads "45", "45.5", "45,50" and "1,234.50"; returns undefined for anything that is not a price. */
export function parsePrice(text: string, currency: string): number | undefined {
  const digits = decimals(currency);
  const [, whole = "", cents = ""] =
    new RegExp(`^([\\d.,' ]*?\\d)(?:[.,](\\d{1,${digits || 1}}))?$`).exec(text.trim()) ?? [];
  if (!/^\d+$|^\d{1,3}([.,' ]\d{3})+$/.test(whole) || (cents && digits === 0)) return undefined;
  const amount = Number(whole.replace(/\D/g, "") + cents.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) && amount > 0 ? amount : undefined;
}
