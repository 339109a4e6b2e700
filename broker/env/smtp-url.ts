/** The values of SMTP_URL and MAIL_FROM. */
import { isLocal } from "./local-host.ts";

/** A mail server, as SMTP_URL names it. */
export interface MailServer {
  host: string;
  port: number;
  /** TLS from the first byte (smtps). Otherwise STARTTLS. */
  isTls: boolean;
  /** This machine's: its certificate is not checked. */
  isLocal: boolean;
  /** Whether a connection without TLS is refused: to other machines, unless ALLOW_PLAINTEXT permits it. */
  needsTls: boolean;
  /** Decoded; undefined without one. */
  auth: { user: string; pass: string } | undefined;
}

const ports = { "smtp:": 587, "smtps:": 465 } as const;

/** Undefined when the text is no such URL. Options, which could switch off the checks of certificates, are not accepted. */
export function parseSmtpUrl(text: string, allowPlaintext = false): MailServer | undefined {
  // The host of another scheme is not checked by `URL`.
  if (!/^smtps?:\/\/[^\s<>]+$/.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text);
  if (!/^(\[[\da-f:.]+\]|[\w.-]+)$/i.test(hostname) || port === "0") return undefined;
  if (!["", "/"].includes(pathname) || search || hash) return undefined;
  const auth = credentialsOf(username, password);
  if (auth === null) return undefined;
  const isTls = protocol === "smtps:";
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    ...{ host, isTls, auth },
    port: Number(port) || ports[protocol as keyof typeof ports],
    isLocal: isLocal(host),
    needsTls: !allowPlaintext && !isLocal(host),
  };
}

/** Null when they cannot be decoded, or one is missing. */
function credentialsOf(username: string, password: string) {
  if (username === "" && password === "") return undefined;
  try {
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
    return user && pass ? { user, pass } : null;
  } catch {
    return null;
  }
}

export interface Sender {
  name: string;
  address: string;
}

const addressPattern = String.raw`[\w!#$%&'*+/=?^{|}~.-]{1,64}@(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)*[a-z\d](?:[a-z\d-]*[a-z\d])?`;
const bare = new RegExp(`^${addressPattern}$`, "i");
const named = new RegExp(String.raw`^([^<>"\\@,;:\p{Cc}]{1,100})<(${addressPattern})>$`, "iu");

/** `noreply@souk.example`, or with a name: `Souk <noreply@souk.example>`. Undefined for anything else. */
export function parseSender(text: string): Sender | undefined {
  if (bare.test(text)) return { name: "Souk", address: text };
  const [, name, address] = named.exec(text) ?? [];
  return name?.trim() && address ? { name: name.trim(), address } : undefined;
}
