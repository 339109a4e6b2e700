import type { Inbox, Notice, Notification, Read, Receipt } from "../contracts/notifications.ts";
import { contained } from "./bidi.ts";
import type { NoticeDocument } from "./notice.ts";
import { sortOf, type Ordering } from "./cursor.ts";

export const newestFirst: Ordering = { field: "createdAt", direction: -1 };
export const oldestFirst: Ordering = { field: "createdAt", direction: 1 };

/** The key of a user's notice. Ids contain no dot, so keys are unambiguous. */
export const keyOf = (userId: string, id: string) => `${userId}.${id}`;

/** The document of a new notice. `freshId` is its id when the sender chose none. */
export function newNotice(
  { userId, id, text, type = "notice", data = {} }: Notice,
  freshId: string,
  now: Date,
  traceparent?: string,
): NoticeDocument {
  const named = id ?? freshId;
  return {
    _id: keyOf(userId, named),
    v: 1,
    id: named,
    userId,
    type,
    text,
    data: JSON.stringify(data),
    createdAt: now.toISOString(),
    isRead: false,
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** A stored notice as its user receives it. */
export const toNotification = ({
  id,
  type,
  text,
  data,
  createdAt,
}: NoticeDocument): Notification => ({
  id,
  type,
  text: contained(text),
  data: containedTitle(JSON.parse(data) as Notification["data"]),
  createdAt,
});

/** Notices of 0.1.0 have titles as they were typed. */
const containedTitle = (data: Notification["data"]) =>
  typeof data.title === "string" ? { ...data, title: contained(data.title) } : data;

/** How far a stored notice came. `mark` is the instant up to which all of its user's notices count as read. */
export function toReceipt(notice: NoticeDocument, mark?: string): Receipt {
  const { id, type, createdAt, shownAt = null } = notice;
  return { id, type, createdAt, shownAt, isRead: isReadBy(notice, mark) };
}

const isReadBy = ({ isRead, createdAt }: NoticeDocument, mark?: string) =>
  isRead || (mark !== undefined && createdAt <= mark);

/** A page of a user's notices, and the keys and traces of those on it that were never shown before. */
export interface ListedNotices {
  inbox: Inbox;
  unshown: string[];
  traces: string[];
}

/** The page of these notices. `mark` is the instant up to which all of their user's notices count as read. */
export const listed = (
  rows: NoticeDocument[],
  page: Omit<Inbox, "notifications">,
  mark?: string,
): ListedNotices => ({
  inbox: {
    notifications: rows.map((notice) => ({
      ...toNotification(notice),
      isRead: isReadBy(notice, mark),
    })),
    ...page,
  },
  unshown: rows.flatMap(({ _id, shownAt }) => (shownAt === undefined ? [_id] : [])),
  traces: rows.flatMap(({ traceparent, shownAt }) =>
    shownAt === undefined && traceparent !== undefined ? [traceparent] : [],
  ),
});

/** Groups notices by user, newest first. An index read backwards has this order. */
export const byUser = { userId: -1, ...sortOf(newestFirst) } as const;

/**
 * Groups one batched query by user. `found` is sorted by `byUser` and has at most `limit` notices. The
 * function returns undefined for users whose notices the limit may have truncated.
 */
export function groupUnread(
  found: NoticeDocument[],
  limit: number,
): (userId: string) => NoticeDocument[] | undefined {
  const lastUser = found.length < limit ? undefined : found.at(-1)?.userId;
  const groups = Map.groupBy(found, ({ userId }) => userId);
  return (userId) =>
    lastUser === undefined || userId > lastUser ? (groups.get(userId) ?? []) : undefined;
}

/** The query for the unread notices that `read` marks. `until` is the newest of them. Keys break ties, as in the inbox. */
export function toMark(userId: string, read: Read, until?: NoticeDocument) {
  if ("ids" in read)
    return { _id: { $in: read.ids.map((id) => keyOf(userId, id)) }, isRead: false };
  if (!until) return { userId, isRead: false };
  const { createdAt, _id } = until;
  return {
    userId,
    isRead: false,
    createdAt: { $lte: createdAt },
    $or: [{ createdAt: { $lt: createdAt } }, { _id: { $lte: _id } }],
  };
}

/** The update that marks a notice as read: it was shown, too, if not before. */
export const asRead = (now: Date) => ({
  $set: { isRead: true },
  $min: { shownAt: now.toISOString() },
});

/**
 * The `createdAt` of the next notice (ms since 1970): at least 1 ms after the one before, so that notices of
 * one node are sorted in the order of their arrival. It runs at most one second ahead of the clock.
 */
export const nextInstant = (previous: number, now: number) =>
  Math.max(now, Math.min(previous + 1, now + 1000));
