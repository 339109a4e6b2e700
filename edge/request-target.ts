import type { IncomingMessage } from "node:http";

/**
 * A request in absolute form (`GET http://host/path`, RFC 9112, 3.2.2) becomes the same request in origin form. The host of its
 * target replaces the one in Host, which a request must have nevertheless. Any other target stays as it is.
 */
export function toOriginForm(req: IncomingMessage): void {
  const [, authority, rest = ""] = absolute.exec(req.url ?? "") ?? [];
  if (authority === undefined) return;
  req.url = rest.startsWith("/") ? rest : `/${rest}`;
  const { host } = req.headers;
  if (host ? !host.includes(",") : req.httpVersion === "1.0") req.headers.host = authority;
}

/** Without a user: what stands before an @ could pass for the host. */
const absolute = /^https?:\/\/([^/?#@\s]+)([/?][^#]*)?$/i;
