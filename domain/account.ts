import Type, { type Static } from "typebox";
import { exactly, id, instant, text } from "../contracts/schema.ts";
import { User } from "../contracts/users.ts";

/** One account as stored. Its sessions live inside it, so that a password and the sessions it ends change in one write. */
export const AccountDocument = exactly({
  _id: id,
  v: Type.Literal(1),
  email: User.properties.email,
  name: text(1, 100),
  createdAt: instant,
  /** PHC string: argon2id with its parameters and salt. */
  password: Type.String(),
  /** By session id. The family stays for the life of the session, the token changes with each refresh; both are hashes. */
  sessions: Type.Record(
    Type.String(),
    exactly({
      family: Type.String(),
      token: Type.String(),
      startedAt: instant,
      expiresAt: instant,
    }),
  ),
  /** Ended sessions by id, until when their access tokens might be shown; the newest of those instants is indexed. */
  ended: Type.Record(Type.String(), instant),
  endedUntil: Type.Optional(instant),
});
export type AccountDocument = Static<typeof AccountDocument>;
