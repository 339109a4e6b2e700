/** The origins of pages and sockets, and how a URL is shown. Pure functions. */

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
