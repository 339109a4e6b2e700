import Type, { type Static } from "typebox";
import { Problem } from "./errors.ts";
import { Inbox, Notification, Read } from "./notifications.ts";
import { exactly, id } from "./schema.ts";

const unread = Type.Integer({ minimum: 0 });

/** What a client may send, each with an acknowledgement of one argument. */
export const clientEvents = {
  /** Who the socket belongs to; again with a fresh token before the old one expires, for the same user. */
  authorize: {
    payload: exactly({ token: Type.String({ minLength: 1, maxLength: 4096 }) }),
    ack: exactly({ ok: Type.Literal(true), userId: id }),
  },
  /** The ack echoes what was read and adds `unread`. */
  read: { payload: Read, ack: Type.Object({ unread }) },
};

/** What the server sends. */
export const serverEvents = {
  /** After every authorize: the newest 50 unread; the rest by `GET /notifications?unread=true&cursor=`. */
  inbox: Inbox,
  /** At once when a notice is stored, to every device of the user. May come twice: show each `id` once. */
  notification: Notification,
  /** Another device of the user read something: `{ids}` or `{all, until?}`, and the count left. */
  read: Type.Object({
    ids: Type.Optional(Type.Array(id)),
    all: Type.Optional(Type.Literal(true)),
    until: Type.Optional(id),
    unread,
  }),
  /** Right before the server closes the socket for good. */
  closing: exactly({ code: Type.String() }),
};

/** The one argument of an acknowledgement when it failed. */
export const Refused = exactly({
  ok: Type.Literal(false),
  code: Problem.properties.code,
  detail: Type.String(),
});
export type Refused = Static<typeof Refused>;

type Payload<E> = {
  [K in keyof E]: (payload: E[K] extends Type.TSchema ? Static<E[K]> : never) => void;
};

/** For socket.io's generics: `Socket<ServerToClient, ClientToServer>`. */
export type ServerToClient = Payload<typeof serverEvents>;
export type ClientToServer = {
  [E in keyof typeof clientEvents]: (
    payload: Static<(typeof clientEvents)[E]["payload"]>,
    ack: (answer: Static<(typeof clientEvents)[E]["ack"]> | Refused) => void,
  ) => void;
};

/** How many unread notices the `inbox` event carries. */
export const inboxSize = 50;
/** Seconds that a socket may stay without an authorized user. */
export const authorizeWithin = 10;
