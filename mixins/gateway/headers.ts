import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";
import { env } from "../../broker/env.ts";
import { routes } from "../../contracts/http.ts";

/** Where the page's scripts may connect to: this server, and the sockets. */
const sockets = env.socketUrl
  ? [env.socketUrl.replace(/^http/, "ws"), env.socketUrl]
  : [`ws://*:${env.socketPort}`, `wss://*:${env.socketPort}`];

const protect = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      fontSrc: ["'self'"],
      // An item's image may be anywhere.
      imgSrc: ["'self'", "data:", "http:", "https:"],
      connectSrc: ["'self'", ...sockets],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  xFrameOptions: { action: "deny" },
  // TLS ends at the edge, if there is any: to promise it for the whole domain is the edge's to do.
  strictTransportSecurity: false,
});

/** In every answer; asked of helmet once, because they never differ. */
export const fixedHeaders: OutgoingHttpHeaders = (() => {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  protect(req, res, () => {});
  return { ...res.getHeaders(), "cache-control": "no-store", vary: "Origin" };
})();

/** Answered to a preflight from an allowed origin. */
export const preflightHeaders: OutgoingHttpHeaders = {
  "access-control-allow-methods": ["HEAD", ...new Set(routes.map(({ method }) => method))].join(", "),
  "access-control-allow-headers": "Authorization, Content-Type",
  "access-control-max-age": "600",
};

/** For an allowed origin. No credentials: tokens travel in a header that the page sets itself. */
export const corsHeaders = (origin: string): OutgoingHttpHeaders => ({
  "access-control-allow-origin": origin,
  "access-control-expose-headers": "Location, Retry-After, X-Request-Id",
});

/** The page's own origin (TLS may end before us), and those on the list; exactly, character by character. */
export const isAllowed = (origin: string, host: string | undefined, origins: string[]) =>
  origin === `http://${host}` || origin === `https://${host}` || origins.includes(origin);
