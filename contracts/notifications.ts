import Type, { type Static } from "typebox";
import { Conflict } from "./market.ts";
import { count, replaySince } from "./outbox.ts";
import {
  action,
  cursor,
  exactly,
  health,
  id,
  idOf,
  instant,
  limit,
  nextCursor,
  text,
} from "./schema.ts";

/** The `data` of a notice of the type `sale`. */
export const SaleData = Type.Object({
  itemId: id,
  saleId: id,
  title: Type.String(),
  /** In minor units of the currency. */
  price: Type.Integer(),
  currency: Type.String(),
  /** 0.1.0 stored none. */
  buyerId: Type.Optional(id),
  soldAt: instant,
});
export type SaleData = Static<typeof SaleData>;

/** The `data` of a sale is `SaleData`; other types have their own. All fields are kept. */
const data = Type.Record(Type.String(), Type.Unknown());
/** The maximum size of `data`, in characters of its JSON. */
export const dataLimit = 8 * 1024;

export const Notification = exactly({
  id,
  /** `sale`, or another type: show the `text` of a type that you do not know. */
  type: text(1, 64, { examples: ["sale"] }),
  text: text(1, 1000, { examples: ["Item #1 was sold!"] }),
  data,
  /** When the notice was stored; `data.soldAt` is the time of the sale. */
  createdAt: instant,
});
export type Notification = Static<typeof Notification>;

/**
 * The number of a user's unread notices. Above 1,000, changes on other nodes may show up to 10 s later; above 1,000,000 it is no
 * longer exact.
 */
const unread = Type.Integer({ minimum: 0 });
const ids = Type.Array(id, {
  minItems: 1,
  maxItems: 100,
  description: "The ids of the notices to mark as read. Unknown ones are no error.",
});

/** The notices to mark as read: by id, all, or all that were stored no later than the notice `until`. */
export const Read = Type.Union([
  exactly({ ids }),
  exactly({
    all: Type.Literal(true, { description: "Marks all notices as read." }),
    until: Type.Optional(
      idOf("a notice: marks only those that were stored no later than this one"),
    ),
  }),
]);
export type Read = Static<typeof Read>;

/** A notice in a list. */
export const ListedNotification = exactly({ ...Notification.properties, isRead: Type.Boolean() });
export type ListedNotification = Static<typeof ListedNotification>;

export const Inbox = exactly({ notifications: Type.Array(ListedNotification), unread, nextCursor });
export type Inbox = Static<typeof Inbox>;

/** How far one notice came. */
const Receipt = exactly({
  id,
  type: text(1, 64),
  createdAt: instant,
  shownAt: Type.Union([instant, Type.Null()]),
  isRead: Type.Boolean(),
});
export type Receipt = Static<typeof Receipt>;

/** A notice to store for a user. A sender that may have to repeat it chooses the `id`. */
export const Notice = exactly({
  id: Type.Optional(id),
  userId: id,
  text: text(1, 1000),
  type: Type.Optional(text(1, 64)),
  data: Type.Optional(data),
});
export type Notice = Static<typeof Notice>;

export const notificationsActions = {
  /** Stores a notice and emits it to the user's sockets on every node. Idempotent by `id`. */
  "notifications.notify": action(Notice, exactly({ ok: Type.Literal(true), id })),
  /** Several notices in one call. After an error some may be stored, and all may be repeated. */
  "notifications.notifyAll": action(
    exactly({ notices: Type.Array(Notice, { minItems: 1, maxItems: 100 }) }),
    exactly({ ok: Type.Literal(true) }),
  ),
  /** The caller's notices, newest first. */
  "notifications.inbox": action(
    exactly({
      unread: Type.Optional(
        Type.Boolean({ description: "Only unread notices, or only read ones; without it, all." }),
      ),
      limit: Type.Optional(limit),
      cursor: Type.Optional(cursor),
    }),
    Inbox,
  ),
  /**
   * Marks the caller's notices as read. Idempotent: unknown ids and notices that are read already are no error. Of very many
   * notices, inbox and `unread` show it at once, and each is marked in the background: until then `unread: false` lacks some.
   */
  "notifications.read": action(Read, exactly({ unread })),
  /**
   * For operators who restored market: sends it the sales whose notices were stored since then (`replayed`). It restores those
   * that it lacks, except for the conflicts.
   */
  "notifications.replay": action(
    exactly(replaySince),
    exactly({ replayed: count, restored: count, conflicts: Type.Array(Conflict), nextCursor }),
  ),
  /**
   * For operators, through the REPL: how far a user's notices came, newest first. Stored at `createdAt`, first shown by a device, a list
   * or as read at `shownAt`.
   */
  "notifications.receipts": action(
    exactly({ userId: id, limit: Type.Optional(limit), cursor: Type.Optional(cursor) }),
    exactly({ receipts: Type.Array(Receipt), nextCursor }),
  ),
  "notifications.health": health,
};

export const notificationsEvents = {
  /** To the other nodes when a notice is stored: emit it to the user's sockets there. May be lost or arrive twice. */
  "notifications.stored": exactly({ userId: id, notification: Notification }),
  /** To the other nodes when notices were marked as read. `by` is the socket that asked; it gets no event. */
  "notifications.wasRead": exactly({
    userId: id,
    read: Read,
    unread,
    by: Type.Optional(Type.String()),
  }),
};
