/**
 * Whether a request with this `Origin` header may come in. Without one it is no browser's, and no other site can have sent it in
 * somebody's name. The page's own origin has the host name the request was sent to; the port may differ, as page and socket have
 * one each. Any other must be one of `allowed`, to the letter: neither a part of a name nor a subdomain passes.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  const name = hostnameOf(origin);
  // Only what a browser writes: scheme, host and port in their normal form. "null" and paths are not.
  return name !== undefined && new URL(origin).origin === origin && name === hostnameOf(`http://${host}`);
}

function hostnameOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" || protocol === "https:" ? hostname : undefined;
}
