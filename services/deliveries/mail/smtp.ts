import type { SMTPPoolOptions } from "nodemailer/lib/smtp-pool/index.js";
import type { MailServer } from "../../../broker/env/smtp-url.ts";
import type { Outcome } from "../channel.ts";
import type { MailMessage } from "./message.ts";

/** Connections at once, and mails in a second: a bounded pace also after an outage. */
export const maxConnections = 4;
const mailsPerSecond = 20;
/** An attempt ends within this time (ms), however slowly the server answers. */
const timeoutMs = 11_000;

/** The part of nodemailer's transport that is used. */
interface Transport {
  sendMail(message: object): Promise<unknown>;
  close(options?: { force?: boolean }): void;
}

const poolOptions = ({
  host,
  port,
  isTls,
  isLocal,
  needsTls,
  auth,
}: MailServer): SMTPPoolOptions => ({
  ...{ host, port, secure: isTls, requireTLS: needsTls },
  ...(auth && { auth }),
  ...{ pool: true, maxConnections, maxMessages: 100 },
  ...{ rateLimit: mailsPerSecond, rateDelta: 1_000 },
  // The outbox of deliveries repeats, and knows for how long.
  maxRequeues: 0,
  ...{ connectionTimeout: 5_000, greetingTimeout: 5_000, dnsTimeout: 5_000, socketTimeout: 10_000 },
  idleTimeout: 30_000,
  tls: { minVersion: "TLSv1.2", rejectUnauthorized: !isLocal },
});

/** Sends mails to one mail server, over a pool of connections. */
export class Smtp {
  readonly #server: MailServer;
  #transport: Promise<Transport> | undefined;

  constructor(server: MailServer) {
    this.#server = server;
  }

  /** One attempt. Never rejects. */
  async send(message: MailMessage): Promise<Outcome> {
    try {
      const transport = await (this.#transport ??= this.#open());
      await transport.sendMail({ ...message, signal: AbortSignal.timeout(timeoutMs) });
      return { state: "delivered" };
    } catch (error) {
      return outcomeOf(error as SmtpError);
    }
  }

  async close(): Promise<void> {
    const transport = await this.#transport?.catch(() => undefined);
    this.#transport = undefined;
    transport?.close({ force: true });
  }

  /** The library is loaded by the first mail: most nodes send none. */
  async #open(): Promise<Transport> {
    // eslint-disable-next-line no-restricted-syntax -- loaded on demand
    const { createTransport } = await import("nodemailer");
    return createTransport(poolOptions(this.#server) as never) as unknown as Transport;
  }
}

interface SmtpError extends Error {
  code?: string;
  /** The command that failed. */
  command?: string;
  /** The server's code, if it answered. */
  responseCode?: number;
}

/** Failures of the connection, not of one mail. */
const connectionCodes = new Set(["ECONNECTION", "ESOCKET", "ETIMEDOUT", "EDNS", "ETLS", "EAUTH"]);

/**
 * What a failure means. The server's own words are not part of the reason, because they may quote the address. 4xx is temporary
 * (greylisting, for example). 5xx is final for a recipient or a mail, but not for the sender or the sign-in: an operator corrects these.
 */
export function outcomeOf({ code = "", command = "", responseCode = 0 }: SmtpError): Outcome {
  const isConnection = connectionCodes.has(code) || responseCode === 421;
  const isOfMail = ["RCPT TO", "DATA"].includes(command) && !isConnection;
  const answer = responseCode ? ` with code ${responseCode}` : "";
  if (isOfMail && responseCode >= 500 && responseCode !== 503)
    return { state: "refused", reason: `The mail server refused the mail${answer}.` };
  if (isOfMail && responseCode >= 400)
    return { state: "retry", reason: `The mail server asked to try again later${answer}.` };
  const what =
    code === "EAUTH" || command === "MAIL FROM" ? "refused the sender" : "did not answer";
  return { state: "retry", reason: `The mail server ${what}${answer}.`, isDown: true };
}
