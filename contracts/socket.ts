import Type, { type Static } from "typebox";
import { Problem } from "./errors.ts";
import { Inbox, Notification, Read } from "./notifications.ts";
import { exactly, id } from "./schema.ts";

const unread = Type.Integer({ minimum: 0 });

/** The events that a client may send. Each has an acknowledgement with one argument. */
export const clientEvents = {
  /** Authenticates the socket. Sent again with a fresh token of the same user before the old one expires. */
  authorize: {
    payload: exactly({ token: Type.String({ minLength: 1, maxLength: 4096 }) }),
    ack: exactly({ ok: Type.Literal(true), userId: id }),
  },
  /** Marks notices as read. The acknowledgement repeats the payload and adds `unread`. */
  read: { payload: Read, ack: Type.Object({ unread }) },
  /** Is acknowledged at once: a client that gets no answer within a few seconds knows that its connection is dead. */
  heartbeat: { payload: exactly({}), ack: exactly({ ok: Type.Literal(true) }) },
};

/**
 * The events that the server sends. A client acknowledges `inbox` and `notification`, without arguments, when its user was shown the
 * notices: the first receipt of a notice sets its `shownAt`.
 */
export const serverEvents = {
  /** After every authorization: the newest 50 unread notices. The rest: `GET /notifications?unread=true&cursor=`. */
  inbox: Inbox,
  /** When a notice is stored, to every socket of the user. May arrive twice: show each `id` once. */
  notification: Notification,
  /** Another socket of the user marked notices as read: `{ids}` or `{all, until?}`, and the unread count. */
  read: Type.Object({
    ids: Type.Optional(Type.Array(id)),
    all: Type.Optional(Type.Literal(true)),
    until: Type.Optional(id),
    unread,
  }),
  /** Before the server closes the socket for good, with the code of the reason. */
  closing: exactly({ code: Type.String() }),
};

/** The argument of a failed acknowledgement. */
export const Refused = exactly({
  ok: Type.Literal(false),
  code: Problem.properties.code,
  detail: Type.String(),
});
export type Refused = Static<typeof Refused>;

type Payload<E> = {
  [K in keyof E]: (payload: E[K] extends Type.TSchema ? Static<E[K]> : never) => void;
};

/** The server events with notices. */
type WithReceipt = "inbox" | "notification";

/** For Socket.IO's type parameters: `Socket<ServerToClient, ClientToServer>` in a client. */
export type ServerToClient = Omit<Payload<typeof serverEvents>, WithReceipt> & {
  [E in WithReceipt]: (payload: Static<(typeof serverEvents)[E]>, ack: () => void) => void;
};
export type ClientToServer = {
  [E in keyof typeof clientEvents]: (
    payload: Static<(typeof clientEvents)[E]["payload"]>,
    ack: (answer: Static<(typeof clientEvents)[E]["ack"]> | Refused) => void,
  ) => void;
};

/** How many unread notices the `inbox` event carries. */
export const inboxSize = 50;
/**
 * The server's heartbeat, which Socket.IO clients answer by themselves: a ping every `pingInterval` (ms). A side that misses it for
 * `pingTimeout` (ms) longer closes the connection, so a dead one is noticed within 25 s.
 */
export const pingInterval = 15_000;
export const pingTimeout = 10_000;
/** How long a socket may stay open without a user (s). */
export const authorizeWithin = 10;
