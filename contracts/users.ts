import Type, { type Static } from "typebox";
import { action, exactly, health, id, instant, text } from "./schema.ts";

/** ASCII, lower-cased when it is stored and looked up: lower case can be longer in other scripts. */
const email = Type.String({ minLength: 3, maxLength: 254, pattern: "^[!-?A-~]+@[!-?A-~]+$" });
const password = Type.String({ minLength: 8, maxLength: 256, pattern: "^[^\\uD800-\\uDFFF]*$" });
/** Opaque, single use. */
const refreshToken = Type.String({ minLength: 1, maxLength: 512, pattern: "^[\\w.-]+$" });
/** A new one for every refresh, of 128 random bits or more (a UUID will do): who could guess it could pass for the client that made it. */
const idempotencyKey = Type.String({ minLength: 16, maxLength: 64, pattern: "^[\\w-]*$" });

export const User = exactly({ id, name: text(1, 100), email, createdAt: instant });
export type User = Static<typeof User>;

/** What others see of a user. */
export const Profile = Type.Pick(User, ["id", "name"], { additionalProperties: false });
export type Profile = Static<typeof Profile>;

/** `accessToken` is a JWT for `Authorization: Bearer`; it expires in `expiresIn` seconds, and `refreshToken` buys the next pair, once. */
export const Session = exactly({
  user: User,
  accessToken: Type.String(),
  refreshToken,
  expiresIn: Type.Integer({ minimum: 1 }),
});
export type Session = Static<typeof Session>;

/** Who calls: `meta.user`, set from a verified token by api and by the socket alone. */
export const Caller = Type.Object({ id, sid: Type.Optional(id) });
export type Caller = Static<typeof Caller>;

/** A session that was ended before its tokens expire: whoever checks tokens refuses this one until then. */
export const EndedSession = exactly({ sid: id, userId: id, until: instant });
export type EndedSession = Static<typeof EndedSession>;

export const usersActions = {
  "users.register": action(exactly({ email, password, name: text(1, 100) }), Session),
  "users.login": action(exactly({ email, password }), Session),
  /**
   * The refresh token is spent by this. One that comes a second time ends its whole session: two hold it, and one stole it. With the
   * `idempotencyKey` of the first time it is the same refresh, whose answer was lost: for as long as an access token lives, and until the
   * next token is spent, it is answered with the same one.
   */
  "users.refresh": action(
    exactly({ refreshToken, idempotencyKey: Type.Optional(idempotencyKey) }),
    Session,
  ),
  "users.logout": action(exactly({ refreshToken }), Type.Null()),
  /** Ends every session of the user and begins a new one. */
  "users.changePassword": action(exactly({ password, newPassword: password }), Session),
  "users.me": action(exactly({}), User),
  "users.profile": action(exactly({ id }), Profile),
  /** The sessions ended within the life of an access token; asked by those who check tokens, when they start. */
  "users.ended": action(exactly({}), exactly({ sessions: Type.Array(EndedSession) })),
  "users.health": health,
};

export const usersEvents = {
  /** To every node, once a session ended by logout, password change or reuse of a refresh token. May be lost: `users.ended` is asked too. */
  "users.sessionEnded": EndedSession,
};

/** Access tokens: EdDSA JWTs with `sub` (user id) and `sid`; of this `typ` (RFC 9068), so that no other kind of token passes for one. */
export const accessTokenType = "at+jwt";
export const issuer = "souk";
export const audience = "souk";
export const accessTokenSeconds = 15 * 60;
