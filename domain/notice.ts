import Type, { type Static } from "typebox";
import { dataLimit } from "../contracts/notifications.ts";
import { exactly, id, instant, text, traceparent } from "../contracts/schema.ts";
import { outboxOf } from "./outbox.ts";

/** A stored notice. `_id` joins the ids of user and notice, so a duplicate is a violation of the unique key. */
export const NoticeDocument = exactly({
  _id: Type.String({ minLength: 3, maxLength: 129 }),
  v: Type.Literal(1),
  id,
  userId: id,
  type: text(1, 64),
  text: text(1, 1000),
  /** JSON text, which keeps any keys and any depth exactly. Never queried. */
  data: Type.String({ maxLength: dataLimit }),
  createdAt: instant,
  isRead: Type.Boolean(),
  /** When a device of the user acknowledged it, or the user listed or read it, for the first time. */
  shownAt: Type.Optional(instant),
  /** The trace in which it was stored, if it was traced. */
  traceparent: Type.Optional(traceparent),
  /** On one notice of a user who marked very many as read: all up to this instant are, whatever their `isRead` says. */
  readUntil: Type.Optional(instant),
  /** Messages to deliveries, which reaches the user by other channels. A user without channels has none. */
  outbox: Type.Optional(outboxOf("push", "mail", "webhook")),
});
export type NoticeDocument = Static<typeof NoticeDocument>;

/** The query for notices that carry a mark, in its partial indexes. */
export const marked = { readUntil: { $gt: "" } };

/** The latest of a user's marks. */
export const latestMark = (notices: NoticeDocument[]): string | undefined =>
  notices
    .flatMap(({ readUntil }) => readUntil ?? [])
    .toSorted()
    .at(-1);

/** The condition of unread notices, besides `isRead`. */
export const afterMark = (mark: string | undefined) =>
  mark === undefined ? {} : { createdAt: { $gt: mark } };

/** The instants directly before and after another one. */
export const instantBefore = (at: string) => new Date(Date.parse(at) - 1).toISOString();
export const instantAfter = (at: string) => new Date(Date.parse(at) + 1).toISOString();

/** When the sale of a seller's notice was made (ms since 1970). Undefined for other notices. */
export function soldAtOf({ type, data }: NoticeDocument): number | undefined {
  if (type !== "sale") return undefined;
  const { soldAt } = JSON.parse(data) as { soldAt?: unknown };
  const ms = typeof soldAt === "string" ? Date.parse(soldAt) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
