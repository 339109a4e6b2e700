import type { Notification } from "../../contracts/notifications.ts";

export interface SaleData {
  itemId: string;
  title: string;
  price: number;
  currency: string;
}

/** The sale that a notice is about; undefined for other kinds of notices and for invalid data. */
export function saleOf({ type, data }: Notification): SaleData | undefined {
  const sale = data as Partial<SaleData>;
  const { itemId, title, price, currency } = sale;
  const isValid =
    type === "sale" &&
    typeof itemId === "string" &&
    typeof title === "string" &&
    Number.isInteger(price) &&
    /^[A-Z]{3}$/.test(currency ?? "");
  return isValid ? (sale as SaleData) : undefined;
}
