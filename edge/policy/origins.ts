/**
 * Whether a request with this `Origin` header is accepted, over HTTP and over sockets. Without an
 * `Origin` the request is not from a page of another site. Otherwise the origin must be in the
 * allow-list, or be our own: the host that the request was sent to (so that it holds behind a proxy), or
 * that host on `pagePort`, when the page has another port. Either scheme passes, because a proxy may
 * terminate TLS. Subdomains, other ports and parts of the name do not pass.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
  pagePort = 0,
): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  if (!host) return false;
  const hosts = pagePort === 0 ? [host] : [host, `${host.replace(/:\d*$/, "")}:${pagePort}`];
  return hosts
    .flatMap((each) => [originOf(`http://${each}`), originOf(`https://${each}`)])
    .includes(origin);
}

/** As browsers write it: lower-case, without the default port of its scheme. */
const originOf = (url: string) => (URL.canParse(url) ? new URL(url).origin : undefined);
