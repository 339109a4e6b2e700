import type { Sender } from "../../broker/env/smtp-url.ts";
import { codeOf } from "../../broker/refusal.ts";
import { languages, type Language } from "../../contracts/languages.ts";
import type { Channel, Context, Message, Outcome, Target } from "./channel.ts";
import { noticeMail, verificationMail } from "./mail/content.ts";
import { isMailable, mailMessage, type MailMessage } from "./mail/message.ts";
import { maxConnections } from "./mail/smtp.ts";
import type { Recipients } from "./recipient.ts";

/** Where mails go: to a mail server, or to a folder. */
export interface Mailer {
  send(message: MailMessage): Promise<Outcome>;
  close(): Promise<void>;
}

export interface MailSettings {
  from: Sender;
  /** Of the page, for links: "https://souk.example". */
  origin(): string;
  mailer: Mailer;
}

/** Every mail passes the same server. */
const target: Target = { lane: "mail" };

/** Mails to verified addresses, and mails that verify them. Without settings it is off. */
export function mailChannel(settings: MailSettings | undefined, recipients: Recipients): Channel {
  if (!settings) return { ...fixed, isOn: false, send: async () => unwanted };
  const { from, mailer } = settings;
  return {
    ...fixed,
    isOn: true,
    async send(message, _, context) {
      const prepared = await prepare(message, context, settings, recipients);
      if ("state" in prepared) return prepared;
      const { to, content, unsubscribeUrl } = prepared;
      if (!isMailable(to)) return unwanted;
      const { key } = message;
      return mailer.send(
        mailMessage(content, { key, from, to, unsubscribeUrl, now: context.now() }),
      );
    },
    close: () => void mailer.close(),
  };
}

const fixed = {
  concurrency: maxConnections,
  isForPeople: true,
  accountTarget: target,
  targetsOf: ({ mail }: { mail: boolean }) => (mail ? [target] : []),
};
const unwanted: Outcome = { state: "refused", reason: "The user has no verified address." };

/** The mail, to the address as it is now. Throws UNAVAILABLE while users or notifications is. */
async function prepare(
  { userId, content }: Message,
  { call, recipient }: Context,
  { origin }: MailSettings,
  recipients: Recipients,
) {
  if ("account" in content) {
    const link = await unlessNotFound(
      call("users.verificationLink", { userId, linkId: content.id }),
    );
    if (!link) return unwanted;
    const { email, token, language } = link;
    return { to: email, content: verificationMail(token, { language, origin: origin() }) };
  }
  const address = await unlessNotFound(call("users.address", { userId }));
  if (!address?.isVerified) return unwanted;
  const token = await recipients.unsubscribeToken(userId);
  const language = languageOf(recipient.language) ?? address.language;
  return {
    to: address.email,
    content: noticeMail(content.notice, { name: address.name, language, origin: origin() }),
    unsubscribeUrl: `${origin()}/notifications/unsubscribe/${encodeURIComponent(token)}`,
  };
}

const languageOf = (given: string): Language | undefined => languages.find((one) => one === given);

/** Undefined when the account or the link is gone: the mail is no longer wanted. */
const unlessNotFound = <T>(call: Promise<T>): Promise<T | undefined> =>
  call.catch((error: unknown) => {
    if (codeOf(error) !== "NOT_FOUND") throw error;
    return undefined;
  });
