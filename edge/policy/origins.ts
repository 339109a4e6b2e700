/**
 * Whether a request with this `Origin` header may come in: one rule for both doors. Without one it is no browser's, and no other site can
 * have sent it in somebody's name. Else it is one of `allowed`, to the letter, or the page's own: the origin that the request was sent
 * to (`Host`, so that it holds behind a proxy), by either scheme because TLS may end before us, or the same host on `pagePort`, where the
 * page is served when it has another port than this door. No other port of that host, part of its name or subdomain passes.
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

/** As browsers write it: lower-cased, without a scheme's own port. */
const originOf = (url: string) => (URL.canParse(url) ? new URL(url).origin : undefined);
