import Type, { type Static } from "typebox";
import { count, replaySince } from "./outbox.ts";
import {
  action,
  exactly,
  health,
  id,
  idOf,
  idempotencyKey,
  instant,
  language,
  line,
  nextCursor,
  secretAction,
  text,
} from "./schema.ts";

/** As stored: in lower case, the domain in ASCII (domain/email.ts). 0.1.0 also stored others than `newEmail` accepts. */
const email = Type.String({
  examples: ["alice@souk.test"],
  minLength: 3,
  maxLength: 254,
  pattern: "^[!-?A-~]+@[!-?A-~]+$",
});
const domain = "[\\w\\-\\u00A1-\\uD7FF\\uE000-\\u{10FFFF}.]+$";
const local = "[\\w!#$%&'*+\\/=?^`{|}~\\-]+";
/** `local@domain` without quotation marks, comments and brackets. The domain may be internationalised, in Unicode or in ASCII. */
const newEmail = Type.String({
  description: "The email address to sign in with. Its domain may be internationalised.",
  examples: ["carol@souk.test"],
  minLength: 3,
  maxLength: 254,
  pattern: `^${local}(?:\\.${local})*@${domain}`,
});
/** At sign-in also the addresses that 0.1.0 registered. */
const anyEmail = Type.String({
  description: "The email address of the account.",
  examples: ["alice@souk.test"],
  minLength: 3,
  maxLength: 254,
  pattern: `^[!-?A-~]+@(?:[!-?A-~]+$|${domain})`,
});
/** Compared in Unicode's form NFC, so that each keyboard's form of a letter is the same. */
const password = Type.String({
  minLength: 8,
  maxLength: 256,
  pattern: "^[^\\uD800-\\uDFFF]*$",
  description:
    "The password, of 8 to 256 characters. Common passwords are refused for new accounts.",
  examples: ["saffron tea in winter"],
});
/** Opaque, single use. */
const refreshToken = Type.String({
  minLength: 1,
  maxLength: 512,
  pattern: "^[\\w.-]+$",
  description: "The refresh token of the session. Each is valid once.",
  examples: ["REFRESH_TOKEN"],
});
/** A new one for every refresh, with at least 128 random bits (such as a UUID): a guessed key would give another client the tokens. */
const refreshKey = Type.String({
  minLength: 16,
  maxLength: 64,
  pattern: "^[\\w-]*$",
  description:
    "A new random value for each refresh, such as a UUID. With it the refresh is safe to repeat when its answer was lost.",
  examples: ["0f8fad5b-d9cb-469f-a165-70867728950e"],
});

/** Shown to other users. */
const names = {
  description: "The name that other users see, in at most 100 characters.",
  examples: ["Carol"],
};
const name = text(1, 100, names);

export const User = exactly({
  id,
  name,
  email,
  createdAt: instant,
  isVerified: Type.Boolean({
    description: "Whether the user has opened a link that was sent to the email address.",
  }),
});
export type User = Static<typeof User>;

/** The public part of a user. */
export const Profile = Type.Pick(User, ["id", "name"], { additionalProperties: false });
export type Profile = Static<typeof Profile>;

/** `accessToken` is a JWT for `Authorization: Bearer`; it expires in `expiresIn` seconds, and `refreshToken` is exchanged for the next pair, once. */
export const Session = exactly({
  user: User,
  accessToken: Type.String({ examples: ["ACCESS_TOKEN"] }),
  refreshToken,
  expiresIn: Type.Integer({ minimum: 1, examples: [900] }),
});
export type Session = Static<typeof Session>;

/** From the link in a mail: `/verify#TOKEN`. */
const verificationToken = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: "^[\\w.-]+$",
  description: "The token in the link of the mail. It is valid once, for 24 hours.",
  examples: ["VERIFICATION_TOKEN"],
});
/** At most this many mails to verify an address are requested for an account in an hour. */
export const verificationsPerHour = 3;

/** The calling user, `meta.user`. Only api and the sockets set it, from a verified token. */
export const Caller = Type.Object({ id, sid: Type.Optional(id) });
export type Caller = Static<typeof Caller>;

/** A session that ended before its access tokens expire: they are refused until then. */
export const EndedSession = exactly({ sid: id, userId: id, until: instant });
export type EndedSession = Static<typeof EndedSession>;

export const usersActions = {
  /** Repeated with its `idempotencyKey`, it signs in to the account that it created. The keys of different email addresses are independent. */
  "users.register": secretAction(
    exactly({
      email: newEmail,
      password,
      name: line(100, names),
      language: Type.Optional(language),
      idempotencyKey: Type.Optional(idempotencyKey),
    }),
    Session,
  ),
  "users.login": secretAction(exactly({ email: anyEmail, password }), Session),
  /**
   * Spends the refresh token. A spent token that comes again ends its whole session, because a copy of it
   * exists. With the same `idempotencyKey` it is the same refresh, whose answer was lost: it gets the same
   * next token, for as long as an access token lives and until that next token is spent.
   */
  "users.refresh": secretAction(
    exactly({ refreshToken, idempotencyKey: Type.Optional(refreshKey) }),
    Session,
  ),
  "users.logout": secretAction(exactly({ refreshToken }), Type.Null()),
  /** Ends every session of the user and begins a new one. */
  "users.changePassword": secretAction(exactly({ password, newPassword: password }), Session),
  "users.me": action(exactly({}), User),
  /** Sends the mail with the link that verifies the address again; nothing when it is verified. TOO_MANY_REQUESTS after three in an hour. */
  "users.requestVerification": action(
    exactly({ language: Type.Optional(language) }),
    exactly({ isVerified: Type.Boolean() }),
  ),
  /** LINK_NOT_VALID for an unknown or expired token, ALREADY_VERIFIED when one was used before. Of concurrent calls, one succeeds. */
  "users.verify": secretAction(
    exactly({ token: verificationToken }),
    exactly({ isVerified: Type.Literal(true) }),
  ),
  /** For the mail of a verification, when it is sent: makes the token of the link. NOT_FOUND when the link is no longer wanted. */
  "users.verificationLink": secretAction(
    exactly({ userId: id, linkId: id }),
    exactly({ email, token: verificationToken, language }),
  ),
  /** For mails, when they are sent. NOT_FOUND for an unknown user. */
  "users.address": secretAction(
    exactly({ userId: id }),
    exactly({ email, name, isVerified: Type.Boolean(), language }),
  ),
  "users.profile": action(exactly({ id: idOf("the user") }), Profile),
  /** The sessions whose access tokens have not expired. Services that check tokens read it when they start. */
  "users.ended": action(
    exactly({}),
    exactly({
      sessions: Type.Array(EndedSession),
      /** The clock by which access tokens are signed. */
      now: Type.Optional(instant),
    }),
  ),
  /**
   * For operators who restored users: ends every session, whatever its age, because it may have ended since then; its tokens would be
   * valid again. `replayed` is the number of ended sessions.
   */
  "users.replay": action(exactly(replaySince), exactly({ replayed: count, nextCursor })),
  "users.health": health,
};

export const usersEvents = {
  /** To every node when a session ends by logout, password change or reuse of a refresh token. It can be lost; `users.ended` is read too. */
  "users.sessionEnded": EndedSession,
};

/** Access tokens: EdDSA JWTs with `sub` (user id) and `sid`; with this `typ` (RFC 9068), so that no other kind of token is accepted. */
export const accessTokenType = "at+jwt";
export const issuer = "souk";
export const audience = "souk";
export const accessTokenSeconds = 15 * 60;
