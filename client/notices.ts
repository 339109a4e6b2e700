import type { Inbox, ListedNotification, SaleData } from "../contracts/notifications.ts";
import type { Notification as Pushed } from "../contracts/notifications.ts";

export interface NoticeFields {
  id: string;
  text: string;
  /** When the notice was stored (ISO 8601). */
  createdAt: string;
  isRead: boolean;
}

/** An item of the user was sold. The notice's id is the sale's. */
export interface SaleNotice extends NoticeFields {
  type: "sale";
  data: SaleData;
}

/** A notice whose sender named no type. */
export interface PlainNotice extends NoticeFields {
  type: "notice";
  data: Record<string, unknown>;
}

/** A type that this client does not know, or a known one with unexpected data. Show its `text`. */
export interface OtherNotice extends NoticeFields {
  type: "other";
  /** The type by its sender. */
  kind: string;
  data: Record<string, unknown>;
}

/** A notice, discriminated by its `type`. */
export type Notification = SaleNotice | PlainNotice | OtherNotice;

export interface InboxPage {
  notifications: Notification[];
  /** The number of all unread notices. */
  unread: number;
  nextCursor: string | null;
}

/** A notice of the server with the type that its data allow. */
export function toNotice(received: Pushed | ListedNotification): Notification {
  const { id, type, text, data, createdAt } = received;
  const common = { id, text, createdAt, isRead: "isRead" in received && received.isRead };
  if (type === "notice") return { ...common, type, data };
  const sale = type === "sale" && saleOf(received);
  return sale
    ? { ...common, type: "sale", data: sale }
    : { ...common, type: "other", kind: type, data };
}

export const toInboxPage = ({ notifications, ...page }: Inbox): InboxPage => ({
  ...page,
  notifications: notifications.map(toNotice),
});

/** The data of a sale; undefined when they are none. The notice's own id and time stand for missing ones: they are the sale's. */
function saleOf({ id, createdAt, data }: Pushed): SaleData | undefined {
  const sale: Partial<Record<keyof SaleData, unknown>> = { saleId: id, soldAt: createdAt, ...data };
  const { itemId, saleId, title, price, currency, buyerId = "", soldAt } = sale;
  const isSale =
    [itemId, saleId, title, buyerId, soldAt].every((text) => typeof text === "string") &&
    Number.isSafeInteger(price) &&
    /^[A-Z]{3}$/.test(String(currency));
  // The cast: checked above.
  return isSale ? (sale as unknown as SaleData) : undefined;
}
