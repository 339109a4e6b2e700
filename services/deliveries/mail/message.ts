/** A mail with its headers. Pure, except for the hash. */
import { hash } from "node:crypto";
import type { Sender } from "../../../broker/env/smtp-url.ts";
import { oneLine, type MailContent } from "./content.ts";

/** What nodemailer sends. */
export type MailMessage = ReturnType<typeof mailMessage>;

/** A header that nodemailer neither encodes nor folds: RFC 8058 wants its URL in one piece. */
const raw = (value: string) => ({ prepared: true, value });

interface Options {
  /** The unique id of the delivery. */
  key: string;
  from: Sender;
  to: string;
  now: Date;
  /** Of one-click unsubscription, after RFC 8058. Mails about the account have none. */
  unsubscribeUrl?: string | undefined;
}

/** Addresses that can be in a header and in the protocol as they are. Version 0.1.0 registered others. */
const plainAddress = /^[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[\w.-]{1,253}$/;
export const isMailable = (address: string): boolean => plainAddress.test(address);

/** `to` is mailable. Repeats of one delivery have the same Message-ID, which says nothing about the user. */
export function mailMessage(
  { subject, text, html }: MailContent,
  { key, from, to, now, unsubscribeUrl }: Options,
) {
  return {
    messageId: messageIdOf(key, from),
    from: { name: from.name, address: from.address },
    to: { name: "", address: to },
    envelope: { from: from.address, to: [to] },
    date: now,
    subject: oneLine(subject),
    ...{ text, html },
    headers: {
      // Answering machines do not answer it.
      "Auto-Submitted": "auto-generated",
      ...(unsubscribeUrl && {
        "List-Unsubscribe": raw(`<${unsubscribeUrl}>`),
        "List-Unsubscribe-Post": raw("List-Unsubscribe=One-Click"),
      }),
    },
    xMailer: false,
    // No text becomes a path or a URL to read.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

export const messageIdOf = (key: string, { address }: Pick<Sender, "address">): string =>
  `<${hash("sha256", key, "base64url").slice(0, 32)}@${address.slice(address.lastIndexOf("@") + 1)}>`;
