/** The origins of pages and sockets, and how a URL is shown. Pure functions. */

/**
 * The origin that a URL without a path means, as browsers write it: "Https://Shop.example:443/" is "https://shop.example". Undefined when
 * it is none. A host with other characters than these could add directives to a content security policy.
 */
function webOrigin(text: string): string | undefined {
  if (!/^(?:https?|wss?):\/\/[^/?#@\\]+\/?$/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  return /[^\w.:/[\]-]/.test(origin) ? undefined : origin;
}

/**
 * The origin of a page, or of an app or an extension, such as `capacitor://localhost` and `chrome-extension://ID`. `URL` calls the
 * latter's origin "null", but browsers send it. "null" itself is anybody's. Undefined when the text is none.
 */
export function pageOrigin(text: string): string | undefined {
  const scheme = /^[^:]*/.exec(text)![0].toLowerCase();
  if (/^https?$/.test(scheme)) return webOrigin(text);
  const origin = scheme + text.slice(scheme.length).replace(/(?<=[^/])\/$/, "");
  return appOrigin.test(origin) && !isWebScheme.test(origin) ? origin : undefined;
}

const appOrigin = /^[a-z][a-z\d+.-]*:\/\/[\w.~-]+(:\d{1,5})?$/;
/** Pages never have these origins. */
const isWebScheme = /^(https?|wss?|ftp|file|data|blob|about|javascript):/;

/** Whether other paths can be appended to the URL. */
export const isEndpoint = (text: string): boolean =>
  /^https?:\/\/[^?#\s]+$/i.test(text) && URL.canParse(text);

/** Origins separated by commas. */
export const splitOrigins = (text = ""): string[] =>
  text
    .split(",")
    .map((origin) => origin.trim())
    .filter(Boolean);

/** An origin where sockets may be served: over HTTP or WebSocket. */
export const socketOrigin = webOrigin;

/** The origin of the page in links. */
export const publicOrigin = (text: string): string | undefined =>
  /^http/i.test(text) ? webOrigin(text) : undefined;

/**
 * A URL, or several, without credentials and options, for logs and errors. Of a text that is not a URL nothing is shown that
 * may be part of a password: it may hold an unescaped / or @, and its host may be missing.
 */
export const redact = (text: string): string =>
  text
    .split(/([,;]\s*(?=[a-z][\w+.-]*:\/\/))/i)
    .map((part, index) => (index % 2 === 1 ? part : redactOne(part)))
    .join("");

function redactOne(text: string): string {
  if (!/[@:/?#]/.test(text)) return text;
  const [, scheme = "", rest = ""] = /^([a-z][\w+.-]*:\/\/)?([^]*)$/i.exec(text)!;
  const [user, shown] = splitAt(rest, rest.lastIndexOf("@") + 1);
  const [location, options] = splitAt(shown, shown.search(/[?#]|$/));
  const [hosts, path] = splitAt(location, location.search(/\/|$/));
  // After a ? or # the @ may belong to an option.
  if (/[?#]/.test(user) || !listOfHosts.test(hosts)) return `${scheme}…`;
  return `${scheme}${user && "…@"}${hosts}${path}${options && "?…"}`;
}

const splitAt = (text: string, at: number) => [text.slice(0, at), text.slice(at)] as const;

const host = String.raw`(?:\[[\w:.%]+\]|[\w.%-]+)(?::\d{0,5})?`;
const listOfHosts = new RegExp(String.raw`^${host}(?:[,;]\s*${host})*$`);
