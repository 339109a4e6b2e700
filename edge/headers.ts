import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";
import { idempotencyHeader, routes } from "../contracts/routes.ts";
import { http } from "./node-http.ts";

type Directives = Record<string, string[]>;

/** For responses that are not pages: nothing may be loaded, framed or submitted. */
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
  // An item's image may be on any server.
  imgSrc: ["'self'", "data:", "http:", "https:"],
};

const policy = (directives: Directives) => ({ useDefaults: false, directives });

/** The headers that a helmet middleware sets. */
function headersFrom(
  middleware: (req: IncomingMessage, res: ServerResponse, next: () => void) => void,
): OutgoingHttpHeaders {
  const req = new http.IncomingMessage(new Socket());
  const res = new http.ServerResponse(req);
  middleware(req, res, () => {});
  return res.getHeaders();
}

/** Headers of every response. helmet runs once, because they never differ. */
export const fixedHeaders: OutgoingHttpHeaders = {
  ...headersFrom(
    helmet({
      contentSecurityPolicy: policy(closed),
      xFrameOptions: { action: "deny" },
      // TLS ends at a proxy, if anywhere; only the proxy can promise it for the whole domain.
      strictTransportSecurity: false,
    }),
  ),
  // A page that shows user content needs none of these; helmet has no such header.
  "permissions-policy":
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "cache-control": "no-store",
  vary: "Origin",
};

/** For a page: its scripts may connect to this server and to `connectSources`. */
export const pageHeaders = (...connectSources: string[]): OutgoingHttpHeaders =>
  headersFrom(
    helmet.contentSecurityPolicy(policy({ ...page, connectSrc: ["'self'", ...connectSources] })),
  );

/** For the page's service worker: it may load files of this server. Browsers look for a new one at each visit. */
export const workerHeaders: OutgoingHttpHeaders = {
  ...headersFrom(helmet.contentSecurityPolicy(policy({ ...closed, connectSrc: ["'self'"] }))),
  "cache-control": "no-cache",
};

/** For mails that are shown in a browser: text and links only. */
export const mailHeaders: OutgoingHttpHeaders = headersFrom(
  helmet.contentSecurityPolicy(policy({ ...closed, styleSrc: ["'unsafe-inline'"] })),
);

/** For files that pages of any origin may show, such as pictures of items. */
export const sharedHeaders: OutgoingHttpHeaders = {
  "cross-origin-resource-policy": "cross-origin",
};

interface SocketLocation {
  socketUrl: string | undefined;
  /** 0 when it is not known. */
  socketPort: number;
  trustedProxies: number;
}

/** Whether the value of a Host header is a name or an address, with or without a port. */
export const isHost = (host: string) =>
  host.length <= 300 && /^([\w.-]+|\[[\da-f:.]+\])(:\d{0,5})?$/i.test(host);

/** Only such a Host becomes part of a policy, so that a client cannot write the policy. */
const plainHost = /^([\w-]+(?:\.[\w-]+)*|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** The origin of the sockets for a page that was requested with these headers, as a policy names it; empty when it is not known. */
export function socketOrigin(
  requested: IncomingHttpHeaders,
  { socketUrl, socketPort, trustedProxies }: SocketLocation,
): string[] {
  if (socketUrl) return [policySource(socketUrl.replace(/^http/, "ws"))];
  const host = plainHost.exec(requested.host ?? "")?.[1];
  if (!host || socketPort === 0) return [];
  // "ws:" in a policy also allows wss:, so a missing header does no harm.
  const scheme = isSecure(requested, trustedProxies) ? "wss" : "ws";
  return [policySource(`${scheme}://${host}:${socketPort}`)];
}

/** Whether a trusted proxy says that the client uses TLS. */
const isSecure = (requested: IncomingHttpHeaders, trustedProxies: number) =>
  trustedProxies > 0 &&
  (requested["x-forwarded-proto"] as string | undefined)?.split(",").at(-1)?.trim() === "https";

/** The origin that the client has used for this market; undefined when its Host is no plain name. */
export const ownOrigin = (
  requested: IncomingHttpHeaders,
  trustedProxies: number,
): string | undefined =>
  plainHost.test(requested.host ?? "")
    ? `http${isSecure(requested, trustedProxies) ? "s" : ""}://${requested.host}`
    : undefined;

/** A policy cannot name an IPv6 address, only its port. */
const policySource = (origin: string) => origin.replace(/\[[^\][]*\]/, "*");

/** Headers that tracing and monitoring libraries add to the requests of a page. The market ignores them. */
const tracingHeaders = [
  ...["traceparent", "tracestate", "baggage", "X-Request-Id", "X-Correlation-Id", "Request-Id"],
  ...["sentry-trace", "b3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-ParentSpanId", "X-B3-Sampled"],
  ...["X-B3-Flags", "uber-trace-id", "newrelic", "elastic-apm-traceparent", "X-Amzn-Trace-Id"],
  ...["x-datadog-origin", "x-datadog-parent-id", "x-datadog-sampling-priority"],
  ...["x-datadog-tags", "x-datadog-trace-id", "X-Cloud-Trace-Context"],
];

/** For a preflight of an allowed origin. */
export const preflightHeaders: OutgoingHttpHeaders = {
  "access-control-allow-methods": ["HEAD", ...new Set(routes.map(({ method }) => method))].join(
    ", ",
  ),
  "access-control-allow-headers": [
    ...["Authorization", "Content-Type", idempotencyHeader],
    ...tracingHeaders,
  ].join(", "),
  "access-control-max-age": "600",
};

/** For an allowed origin. Without credentials: the page sends its token in a header. */
export const corsHeaders = (origin: string): Record<string, string> => ({
  "access-control-allow-origin": origin,
  "access-control-expose-headers": "Location, Retry-After, X-Request-Id",
});
