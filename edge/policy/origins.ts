/** Which pages of other origins may send requests. */
export interface OriginPolicy {
  /** Exact origins. */
  listed: readonly string[];
  /** Pages on the same machine, on any port. For markets of developers only. */
  localhost: boolean;
}

/**
 * Whether a request with this `Origin` header is accepted, over HTTP and over sockets. Without an
 * `Origin` the request is not from a page of another site. Otherwise the origin must be in the
 * allow-list, or be our own: the host that the request was sent to (so that it holds behind a proxy), or
 * that host on `pagePort`, when the page has another port. Either scheme passes, because a proxy may
 * terminate TLS. Subdomains, other ports and parts of the name do not pass. `localhost` also admits pages of
 * localhost, when the request was sent to localhost: never at a public name.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  { listed, localhost }: OriginPolicy,
  pagePort = 0,
): boolean {
  if (origin === undefined || listed.includes(origin)) return true;
  if (!host) return false;
  if (localhost && localOrigin.test(origin) && loopbackHost.test(host)) return true;
  const hosts = pagePort === 0 ? [host] : [host, `${host.replace(/:\d*$/, "")}:${pagePort}`];
  return hosts
    .flatMap((each) => [originOf(`http://${each}`), originOf(`https://${each}`)])
    .includes(origin);
}

/** As browsers write them. */
const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;
const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d*)?$/i;

/** As browsers write it: lower-case, without the default port of its scheme. */
const originOf = (url: string) => (URL.canParse(url) ? new URL(url).origin : undefined);
