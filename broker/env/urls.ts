/** Rules about the URLs of servers and pages. Pure functions; no error shows a password. */
import { isCommonPassword } from "../../domain/common-passwords.ts";

/**
 * The URL of each RabbitMQ node that AMQP_URL names: URLs separated by commas or semicolons, and hosts separated by
 * commas within a URL (`amqps://user:password@a,b:5671,c/vhost`), which share the rest of it.
 */
export const splitAmqpUrls = (urls = ""): string[] =>
  urls
    .split(/;|,(?=\s*amqps?:\/\/)/)
    .map((url) => url.trim())
    .filter(Boolean)
    .flatMap(urlOfEachHost);

function urlOfEachHost(url: string): string[] {
  const path = /^\w+:\/\/[^/?#]*/.exec(url)?.[0].length;
  if (path === undefined) return [url];
  const hosts = Math.max(url.lastIndexOf("@", path), url.indexOf("://") + 2) + 1;
  const named = url.slice(hosts, path).split(",");
  return named.map((host) => url.slice(0, hosts) + host.trim() + url.slice(path));
}

/** Whether every node that AMQP_URL names has the URL of a RabbitMQ node. */
export const areAmqpUrls = (text: string): boolean => {
  const urls = splitAmqpUrls(text);
  return urls.length > 0 && urls.every(isAmqpUrl);
};

const isAmqpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, host } = new URL(text);
  return ["amqp:", "amqps:"].includes(protocol) && host !== "";
};

/** A database name has no / and no @: these would belong to a password that is not percent-encoded. */
const mongoUrl = /^(mongodb(?:\+srv)?:\/\/[^/?\s]+)(?:\/([^?\s/@]*))?(\?\S*)?$/;

/** Not checked with `URL`: the URL of a replica set names several hosts. */
export const isMongoUrl = (text: string): boolean => mongoUrl.test(text);

/** The same server and options with another database. With `keep`, a database that the URL names wins. */
export function withDatabase(url: string, database: string, { keep }: { keep: boolean }): string {
  const [, server, named, options = ""] = mongoUrl.exec(url)!;
  return `${server}/${(keep && named) || database}${options}`;
}

/**
 * Whether the text is an origin exactly as browsers write it. A host with other characters than these could add
 * directives to a content security policy.
 */
const isOrigin = (text: string): boolean =>
  URL.canParse(text) && new URL(text).origin === text && !/[^\w.:/[\]-]/.test(text);

/**
 * Whether the text is the exact origin of a page, or of an app or an extension, such as `capacitor://localhost` and
 * `chrome-extension://ID`. `URL` calls the latter's origin "null", but browsers send it. "null" itself is anybody's.
 */
export const isPageOrigin = (text: string): boolean =>
  /^https?:/.test(text) ? isOrigin(text) : appOrigin.test(text) && !isWebScheme.test(text);

const appOrigin = /^[a-z][a-z\d+.-]*:\/\/[\w.~-]+(:\d{1,5})?$/;
/** Pages never have these origins. */
const isWebScheme = /^(https?|wss?|ftp|file|data|blob|about|javascript):/;

/** Origins separated by commas. */
export const splitOrigins = (text = ""): string[] =>
  text
    .split(",")
    .map((origin) => origin.trim())
    .filter(Boolean);

/** An origin where sockets may be served: over HTTP or WebSocket. */
export const isSocketOrigin = (text: string): boolean =>
  isOrigin(text) && /^(https?|wss?):/.test(text);

/** The user and password of a URL, decoded as the server reads them. A password may hold an unescaped @ or /. */
export function credentialsOf(url: string): [user: string, password: string] {
  const [user = "", ...password] = (/^\w[\w+.-]*:\/\/([^?]*)@/.exec(url)?.[1] ?? "").split(":");
  return [decode(user), decode(password.join(":"))];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The host names of a URL, without ports. */
export const hostsOf = (url: string): string[] =>
  (/^\w[\w+.-]*:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url)?.[1] ?? "")
    .split(",")
    .map((host) => host.replace(/:\d+$/, ""));

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);

/** Whether any of the URL's hosts is another machine. */
export const isRemote = (url: string): boolean => hostsOf(url).some((host) => !isLoopback(host));

const insecureOptions = ["tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames"];

/** Whether a connection to this AMQP or MongoDB URL is not protected by TLS with a verified certificate. */
export function isPlaintext(url: string): boolean {
  if (/^amqps?:/.test(url)) return url.startsWith("amqp:");
  const options = new URLSearchParams(url.split("?")[1]?.toLowerCase());
  const tls = options.get("tls") ?? options.get("ssl") ?? String(url.startsWith("mongodb+srv:"));
  return tls !== "true" || insecureOptions.some((name) => options.get(name) === "true");
}

/** Whether the URL's user is RabbitMQ's default: guest, with the password guest. */
export function hasDefaultUser(amqpUrl: string): boolean {
  const [user, password] = credentialsOf(amqpUrl);
  return (user || "guest") === "guest" && (password || "guest") === "guest";
}

/** Whether the URL's password is a common one, or the name of its user. */
export function hasWeakPassword(url: string): boolean {
  const [user, password] = credentialsOf(url);
  if (password === "") return false;
  return password.toLowerCase() === user.toLowerCase() || isCommonPassword(password);
}

/** The URL without credentials and options, for logs. A password may hold an unescaped / or @. */
export const redact = (url: string): string =>
  url.replace(/^(\w[\w+.-]*:\/\/)?[^]*@/, "$1…@").replace(/\?[^]*/, "?…");
