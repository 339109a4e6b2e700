import type { ServiceBroker } from "moleculer";
import type { Env } from "../../broker/env.ts";
import { originOf } from "../../broker/greeting.ts";
import type { MailSettings } from "./mail.ts";
import { MailFolder } from "./mail/folder.ts";
import { Smtp } from "./mail/smtp.ts";

/** A mail server, or the folder of an embedded market. Undefined when this market sends no mails. */
export function mailSettings(broker: ServiceBroker, env: Env): MailSettings | undefined {
  const { mailServer, mailFolder, mailFrom: from, publicUrl } = env;
  // An embedded market without a public URL is used at its own machine. Its port is known when it listens.
  const origin = () => publicUrl ?? originOf(broker, "api", "localhost") ?? "http://localhost";
  if (mailServer) return { from, origin, mailer: new Smtp(mailServer) };
  return mailFolder ? { from, origin, mailer: new MailFolder(mailFolder) } : undefined;
}
