import type { Notice, Notification, Read } from "../contracts/notifications.ts";
import type { NoticeDocument } from "./notice.ts";
import { sortOf, type Ordering } from "./cursor.ts";

export const newestFirst: Ordering = { field: "createdAt", direction: -1 };
export const oldestFirst: Ordering = { field: "createdAt", direction: 1 };

/** Ids have no dot, so that no two pairs of user and notice share a key. */
export const keyOf = (userId: string, id: string) => `${userId}.${id}`;

/** A notice as it is stored. `freshId` names it when its sender did not. */
export function newNotice(
  { userId, id, text, type = "notice", data = {} }: Notice,
  freshId: string,
  now: Date,
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
  };
}

/** A notice as its user sees it. */
export const toNotification = ({
  id,
  type,
  text,
  data,
  createdAt,
}: NoticeDocument): Notification => ({
  id,
  type,
  text,
  data: JSON.parse(data) as Notification["data"],
  createdAt,
});

/** Of several users, each one's together, newest first: as an index has them, read from its end. */
export const byUser = { userId: -1, ...sortOf(newestFirst) } as const;

/**
 * What a look at several users' unread notices, in that order and at no more than `limit` of them, says of each: all that one has, or
 * undefined when the limit may have cut it off.
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

/** The unread notices of a user that a `read` names; `until` is the notice it ends at. Of one instant, the key decides, as in the inbox. */
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

/**
 * When a notice is stored (ms since 1970), given when the one before was: a millisecond later at least, so that notices of one node
 * stand in the inbox in the order they came. In a storm the clock is overtaken by a second at most.
 */
export const nextInstant = (before: number, now: number) =>
  Math.max(now, Math.min(before + 1, now + 1000));
