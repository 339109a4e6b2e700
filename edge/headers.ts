import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";
import { routes } from "../contracts/routes.ts";
import { http } from "./node-http.ts";

type Directives = Record<string, string[]>;

/** Nothing may be loaded, framed, or sent from an answer that is no page. */
const closed: Directives = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};
const page: Directives = {
  ...closed,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  fontSrc: ["'self'"],
  manifestSrc: ["'self'"],
  // An item's image may be anywhere.
  imgSrc: ["'self'", "data:", "http:", "https:"],
};

const policy = (directives: Directives) => ({ useDefaults: false, directives });

/** What helmet says of an answer. */
function headersBy(
  protect: (req: IncomingMessage, res: ServerResponse, next: () => void) => void,
): OutgoingHttpHeaders {
  const req = new http.IncomingMessage(new Socket());
  const res = new http.ServerResponse(req);
  protect(req, res, () => {});
  return res.getHeaders();
}

/** In every answer; asked of helmet once, because they never differ. */
export const fixedHeaders: OutgoingHttpHeaders = {
  ...headersBy(
    helmet({
      contentSecurityPolicy: policy(closed),
      xFrameOptions: { action: "deny" },
      // TLS ends at the edge, if there is any: to promise it for the whole domain is the edge's to do.
      strictTransportSecurity: false,
    }),
  ),
  "cache-control": "no-store",
  vary: "Origin",
};

/** For a page: its scripts may connect to this server and to `others`. */
export const pageHeaders = (...others: string[]): OutgoingHttpHeaders =>
  headersBy(helmet.contentSecurityPolicy(policy({ ...page, connectSrc: ["'self'", ...others] })));

/** For what pages of any origin may show: items' pictures are among it. */
export const sharedHeaders: OutgoingHttpHeaders = {
  "cross-origin-resource-policy": "cross-origin",
};

interface Whereabouts {
  socketUrl: string | undefined;
  /** 0: not known. */
  socketPort: number;
  trustedProxies: number;
}

/** Only such a name becomes part of a policy: no other may say what the policy is. */
const plainHost = /^([\w-]+(?:\.[\w-]+)*|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** The one origin where a page that was asked for by these headers finds the sockets, as a policy names it; none when nobody can know. */
export function socketOrigin(
  asked: IncomingHttpHeaders,
  { socketUrl, socketPort, trustedProxies }: Whereabouts,
): string[] {
  if (socketUrl) return [nameable(socketUrl.replace(/^http/, "ws"))];
  const host = plainHost.exec(asked.host ?? "")?.[1];
  if (!host || socketPort === 0) return [];
  const proto =
    trustedProxies > 0
      ? (asked["x-forwarded-proto"] as string | undefined)?.split(",").at(-1)?.trim()
      : undefined;
  // "ws:" in a policy admits wss: as well, so a proxy that says nothing does no harm.
  return [nameable(`${proto === "https" ? "wss" : "ws"}://${host}:${socketPort}`)];
}

/** A policy cannot name an IPv6 address: its port alone then. */
const nameable = (origin: string) => origin.replace(/\[.*\]/, "*");

/** Answered to a preflight from an allowed origin. */
export const preflightHeaders: OutgoingHttpHeaders = {
  "access-control-allow-methods": ["HEAD", ...new Set(routes.map(({ method }) => method))].join(
    ", ",
  ),
  "access-control-allow-headers": "Authorization, Content-Type",
  "access-control-max-age": "600",
};

/** For an allowed origin. No credentials: tokens travel in a header that the page sets itself. */
export const corsHeaders = (origin: string): OutgoingHttpHeaders => ({
  "access-control-allow-origin": origin,
  "access-control-expose-headers": "Location, Retry-After, X-Request-Id",
});
