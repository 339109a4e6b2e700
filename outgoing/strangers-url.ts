import { isIP } from "node:net";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";

const maxLength = 2048;
/** Names that are never on the public Internet, besides those without a dot. */
const privateSuffixes = [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".onion"];

/** What is wrong with a URL that a stranger gave, in the words that follow "url". */
type Fault = string;

/** The host of a URL as an IP address or a name: no brackets, no final dot. */
export const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/gu, "").replace(/\.$/u, "");

/**
 * Checks a URL to which Souk will send requests, as far as its text says: https, no credentials, a host that may be public. What the
 * host's name resolves to is checked when a request is made. With `isLoopbackAllowed`, loopback hosts and http on them are good, too.
 */
export function checkUrl(text: string, isLoopbackAllowed: boolean): Fault | undefined {
  if (text.length > maxLength) return `must have at most ${maxLength} characters`;
  if (!URL.canParse(text)) return "must be a URL";
  const url = new URL(text);
  const host = hostOf(url);
  if (isLoopbackAllowed && (host === "localhost" || isLoopbackAddress(host)))
    return /^https?:$/u.test(url.protocol) ? undefined : "must begin with http:// or https://";
  if (url.protocol !== "https:") return "must begin with https://";
  if (url.username !== "" || url.password !== "") return "must not contain a user or a password";
  const isPublic = isIP(host) === 0 ? isPublicName(host) : isPublicAddress(host);
  return isPublic ? undefined : "must be a public host";
}

/** Whether a URL is good only because loopback hosts are allowed. */
export const isLocalUrl = (text: string): boolean =>
  checkUrl(text, true) === undefined && checkUrl(text, false) !== undefined;

const isPublicName = (host: string) =>
  host.includes(".") && !privateSuffixes.some((suffix) => host.endsWith(suffix));
