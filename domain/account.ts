import Type, { type Static } from "typebox";
import { exactly, id, instant, language, text } from "../contracts/schema.ts";
import type { Language } from "../contracts/languages.ts";
import { User, type Profile } from "../contracts/users.ts";
import { contained } from "./bidi.ts";
import { Creation } from "./creation.ts";
import { outboxOf } from "./outbox.ts";
import { Verification } from "./verification.ts";

/** One account as stored. Its sessions are part of it, so that one write changes a password and ends the sessions (decision 003). */
export const AccountDocument = exactly({
  _id: id,
  v: Type.Literal(1),
  email: User.properties.email,
  name: text(1, 100),
  createdAt: instant,
  /** The registration, if it had an idempotency key. */
  creation: Type.Optional(Creation),
  /** The language of mails to the user; without one, English. */
  language: Type.Optional(language),
  /** When the user proved that the email address is theirs. */
  verifiedAt: Type.Optional(instant),
  verification: Type.Optional(Verification),
  outbox: Type.Optional(outboxOf("verification", "mailable")),
  /** PHC string: argon2id with its parameters and salt. */
  password: Type.String(),
  /** By session id. The family is constant for the session, the token changes with each refresh; both are hashes. */
  sessions: Type.Record(
    Type.String(),
    exactly({
      family: Type.String(),
      token: Type.String(),
      startedAt: instant,
      expiresAt: instant,
    }),
  ),
  /** The ids of ended sessions, each with the time when its last access token expires. */
  ended: Type.Record(Type.String(), instant),
  /** The latest time in `ended`, for the index. */
  endedUntil: Type.Optional(instant),
});
export type AccountDocument = Static<typeof AccountDocument>;

/** A new account without sessions. `email` is canonical (domain/email.ts), `passwordHash` is a PHC string. */
export const newAccount = (
  { id, email, name, language }: { id: string; email: string; name: string; language?: Language },
  passwordHash: string,
  now: Date,
): AccountDocument => ({
  _id: id,
  v: 1,
  email,
  name: contained(name).trim(),
  createdAt: now.toISOString(),
  ...(language && { language }),
  password: passwordHash,
  sessions: {},
  ended: {},
});

/** What an account's owner sees of it. */
export const toUser = ({ _id: id, name, email, createdAt, verifiedAt }: AccountDocument): User => ({
  id,
  name: contained(name),
  email,
  createdAt,
  isVerified: verifiedAt !== undefined,
});

/** What a mail to the user needs. */
export const toAddress = ({ name, email, verifiedAt, language = "en" }: AccountDocument) => ({
  name: contained(name),
  email,
  isVerified: verifiedAt !== undefined,
  language,
});

/** What everybody sees of an account. */
export const toProfile = ({ _id: id, name }: AccountDocument): Profile => ({
  id,
  name: contained(name),
});
