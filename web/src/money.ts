/** Prices, as people of the visitor's language write them; inside they are integers in the currency's smallest unit. */
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string): Intl.NumberFormat {
  if (!formats.has(currency))
    formats.set(currency, new Intl.NumberFormat(undefined, { style: "currency", currency }));
  return formats.get(currency)!;
}

/** How many digits its cents have. */
export const digitsOf = (currency: string) =>
  formatOf(currency).resolvedOptions().maximumFractionDigits ?? 2;

export const money = (amount: number, currency: string) =>
  formatOf(currency).format(amount / 10 ** digitsOf(currency));

/** As it is typed into a field: "45.00". */
export const typed = (amount: number, currency: string) =>
  (amount / 10 ** digitsOf(currency)).toFixed(digitsOf(currency));

/** Reads "45", "45.5", "45,50" and "1,234.50"; undefined when it is no price. */
export function amountIn(text: string, currency: string): number | undefined {
  const digits = digitsOf(currency);
  const [, whole = "", cents = ""] =
    new RegExp(`^([\\d.,' ]*?\\d)(?:[.,](\\d{1,${digits || 1}}))?$`).exec(text.trim()) ?? [];
  if (!/^\d+$|^\d{1,3}([.,' ]\d{3})+$/.test(whole) || (cents && digits === 0)) return undefined;
  const amount = Number(whole.replace(/\D/g, "") + cents.padEnd(digits, "0"));
  return Number.isSafeInteger(amount) && amount > 0 ? amount : undefined;
}
