import Type, { type Static } from "typebox";
import { exactly, instant } from "../contracts/schema.ts";

/** A mail that an embedded market without a mail server has written to a file, for /dev/mail. */
export const KeptMail = exactly({
  to: Type.String(),
  subject: Type.String(),
  sentAt: instant,
  messageId: Type.String(),
  text: Type.String(),
  html: Type.String(),
});
export type KeptMail = Static<typeof KeptMail>;

/** The names of the files: this one with `.json`, and the mail as it would be sent with `.eml`. */
export const keptMailName = /^[\w-]{32}$/;
