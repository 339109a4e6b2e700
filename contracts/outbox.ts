import Type, { type Static } from "typebox";
import {
  action,
  cursor,
  exactly,
  id,
  instant,
  limit,
  nextCursor,
  text,
  traceparent,
} from "./schema.ts";

/** The kind of a message: `notice`, for example. */
const kind = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z][A-Za-z0-9]*$" });

/** One message that a document sends to another service. */
export const OutboxEntry = exactly({
  /** `refused` is a dead letter: the receiver says that the message is not valid. An operator can replay it. */
  state: Type.Enum(["pending", "delivered", "refused", "cancelled"]),
  /** Failed attempts. */
  attempts: Type.Integer({ minimum: 0 }),
  /** While pending: not delivered before this instant. */
  dueAt: Type.Optional(instant),
  /** When it was written, if it is due much later: a due time that is judged without it comes from a wrong clock. */
  scheduledAt: Type.Optional(instant),
  refusedAt: Type.Optional(instant),
  /** Why it was refused, in the receiver's words. */
  reason: Type.Optional(Type.String()),
  /** The trace of the request that wrote it (W3C Trace Context), if it was traced. */
  traceparent: Type.Optional(traceparent),
});
export type OutboxEntry = Static<typeof OutboxEntry>;

/** An entry as an operator sees it: `id` is the document's. */
const ListedEntry = exactly({ id, kind, ...OutboxEntry.properties });
export type ListedEntry = Static<typeof ListedEntry>;

/**
 * After a database was restored from an older copy: the time from which its data is lost, such as 2026-11-28T09:30:00Z. A call
 * works for about 3 s; when more is left, its `nextCursor` is the `cursor` of the next call. All calls may be repeated.
 */
export const replaySince = { since: text(1, 40), cursor: Type.Optional(cursor) };
export const count = Type.Integer({ minimum: 0 });

/** For operators, through the REPL. They have no routes. */
export const outboxActions = {
  /**
   * Refused entries, the newest first, or pending ones, the next due first. `count` is the number of all such entries.
   * `limit` is the number of documents on a page; a document may have several entries.
   */
  outbox: action(
    exactly({
      state: Type.Enum(["pending", "refused"]),
      limit: Type.Optional(limit),
      cursor: Type.Optional(cursor),
    }),
    exactly({
      count: Type.Integer({ minimum: 0 }),
      entries: Type.Array(ListedEntry),
      nextCursor,
    }),
  ),
  /** Makes refused entries due again: those of one document, or all. `replayed` is their number. */
  replay: action(
    exactly({ id: Type.Optional(id) }),
    exactly({ replayed: Type.Integer({ minimum: 0 }) }),
  ),
};
