import Type, { type Static } from "typebox";
import { action, cursor, exactly, health, id, instant, limit, nextCursor, text } from "./schema.ts";

/** A sale's data is `{itemId, saleId, title, price, currency, soldAt}`; unknown fields are kept. */
const data = Type.Record(Type.String(), Type.Unknown());
/** The longest `data` that is taken, in characters of its JSON. */
export const dataLimit = 8 * 1024;

export const Notification = exactly({
  id,
  /** `sale`, or what else a service notifies of. */
  type: text(1, 64),
  text: text(1, 1000),
  data,
  /** When it was stored; `data.soldAt` is when it happened. */
  createdAt: instant,
});
export type Notification = Static<typeof Notification>;

const unread = Type.Integer({ minimum: 0 });
const ids = Type.Array(id, { minItems: 1, maxItems: 100 });

/** What to mark as read: these, or all, or all that were stored no later than `until`. */
export const Read = Type.Union([
  exactly({ ids }),
  exactly({ all: Type.Literal(true), until: Type.Optional(id) }),
]);
export type Read = Static<typeof Read>;

export const Inbox = exactly({ notifications: Type.Array(Notification), unread, nextCursor });
export type Inbox = Static<typeof Inbox>;

/** What somebody is to be told: `id` by whoever may have to repeat it. */
export const Notice = exactly({
  id: Type.Optional(id),
  userId: id,
  text: text(1, 1000),
  type: Type.Optional(text(1, 64)),
  data: Type.Optional(data),
});
export type Notice = Static<typeof Notice>;

export const notificationsActions = {
  /** Stores, then pushes to every device of the user on every node. The same `id` again: the same answer, nothing stored or counted twice. */
  "notifications.notify": action(Notice, exactly({ ok: Type.Literal(true), id })),
  /** The same for many: ok when every one is stored. After an error some may be, and all may be repeated. */
  "notifications.notifyAll": action(
    exactly({ notices: Type.Array(Notice, { minItems: 1, maxItems: 100 }) }),
    exactly({ ok: Type.Literal(true) }),
  ),
  /** The caller's, newest first. */
  "notifications.inbox": action(
    /** `unread: true` are the unread ones, `false` the others; without it, all. */
    exactly({
      unread: Type.Optional(Type.Boolean()),
      limit: Type.Optional(limit),
      cursor: Type.Optional(cursor),
    }),
    Inbox,
  ),
  /** The caller's own. Ids that are not there, or read already, are no error: what is asked for is so. */
  "notifications.read": action(Read, exactly({ unread })),
  "notifications.health": health,
};

export const notificationsEvents = {
  /** A hint to the other notifications nodes, once a notice is stored: emit it to your sockets of that user. May be lost or come twice. */
  "notifications.stored": exactly({ userId: id, notification: Notification }),
  /** The same, once something was read; `by` is the socket that did it and needs no push. */
  "notifications.wasRead": exactly({
    userId: id,
    read: Read,
    unread,
    by: Type.Optional(Type.String()),
  }),
};
