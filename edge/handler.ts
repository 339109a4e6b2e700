import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Context } from "moleculer";
import type { Meta } from "../broker/context.ts";
import type { Meter } from "../broker/metrics/meter.ts";
import { refusal } from "../broker/refusal.ts";
import { services } from "../contracts/actions.ts";
import { routes, type Route } from "../contracts/routes.ts";
import { pagePaths, pagePattern } from "../contracts/static-paths.ts";
import type { Caller } from "../contracts/users.ts";
import { readBody } from "./body.ts";
import { idempotencyKeyOf, takesKey } from "./idempotency-key.ts";
import { corsHeaders, isHost, preflightHeaders } from "./headers.ts";
import { LoadShedder } from "./load-shedder.ts";
import { prefersHtml } from "./media-type.ts";
import type { Request, Response } from "./node-http.ts";
import { paramsParser, takesBody, type ParamsParser } from "./params.ts";
import { clientAddress, networkOf } from "./policy/client-address.ts";
import { rateLimits } from "./policy/limits.ts";
import { isAllowedOrigin, type OriginPolicy } from "./policy/origins.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { reply } from "./reply.ts";
import { toOriginForm } from "./request-target.ts";
import type { Alias, RouteTable } from "./route-table.ts";

/** A call that may have had an effect is never repeated. */
const callOptions = { timeout: 5_000, retries: 0 };

/** One route of contracts/routes.ts, prepared at start. */
interface Endpoint {
  route: Route;
  service: string;
  parseParams: ParamsParser;
  /** Where a created document can be read, without its id. */
  location: string | undefined;
}

export interface Dependencies {
  routeTable: RouteTable;
  origins: OriginPolicy;
  /** Replies with the page, and 404; throws NOT_FOUND when it was not built. */
  notFoundPage(req: Request, res: Response): Promise<void>;
  trustedProxies: number;
  /** The calls that one node of a service works on at the same time. More would only wait there, where networks do not take turns. */
  perNode: { read: number; write: number };
  /** The calls that each service may have in flight; `min` also while it is slow. */
  inFlight: { max: number; min: number };
  /** Throws UNAUTHENTICATED unless the access token is valid and its session has not ended. */
  verify(token: string): Promise<Caller>;
  /** How many nodes offer the action now. */
  availableNodes(action: string): number;
  warn(line: string): void;
  meter?: Meter;
}

export class RequestHandler {
  readonly #deps: Dependencies;
  readonly #endpoints = new Map(
    routes.map((route) => [keyOf(route.method, route.path), endpointOf(route)]),
  );
  readonly #byNetwork = new RateLimiter(
    rateLimits.requestsByNetwork,
    "Too many requests from this network.",
  );
  readonly #byUser = new RateLimiter(rateLimits.requestsByUser, "Too many requests of this user.");
  readonly #load: LoadShedder;

  constructor(deps: Dependencies) {
    this.#deps = deps;
    this.#load = new LoadShedder(services, deps.inFlight, deps.warn, deps.meter);
  }

  /**
   * The life of one request, in order. Each step throws what its comment names; mixins/gateway.ts answers
   * errors. Cheap checks come first: an overloaded market spends nothing on requests that it refuses.
   */
  async handle(ctx: Context<unknown, Meta>, req: Request, res: Response): Promise<void> {
    toOriginForm(req);
    const [written = "", ...rest] = req.url!.split("?");
    const path = written === "/docs/" ? "/docs" : written;
    const ip = this.#addressOf(req);
    const network = networkOf(ip);
    if (hasOtherCoding(req)) res.shouldKeepAlive = false;

    // Rate limit: 429, for any path. Then Host and Origin: 400, 403.
    const isAllowed = this.#allowOrigin(req, res);
    if (!isHealthCheck(path)) await this.#byNetwork.take(network);
    checkRequest(req, isAllowed);

    // Match: 404, 405. Some paths are served by api itself; people get the page where there is nothing.
    if (req.method === "OPTIONS") return this.#replyOptions(req, res, path);
    if (isPageWithSlash(path)) return this.#redirect(req, res, path.slice(0, -1));
    if (prefersHtml(req.headers.accept) && !this.#deps.routeTable.has(path))
      return this.#deps.notFoundPage(req, res);
    const { alias, params: pathParams } = this.#deps.routeTable.match(req.method!, path);
    res.route = alias.fullPath;
    if (alias.handler) return alias.handler.call(alias.service, req, res);
    const { route, service, parseParams, location } = this.#endpointOf(alias);

    // Admission: 503, before the token and the body cost anything.
    this.#load.shedLoad(service, network);

    // Authenticate: 401. Then the user's own rate limit: 429.
    ctx.meta.ip = ip;
    if (route.who === "user") {
      ctx.meta.user = await this.#authenticate(req, res);
      await this.#byUser.take(ctx.meta.user.id);
    }

    // Body: 400, 413. Params: 400.
    const body = takesBody(route) ? await readBody(req, route.takesForm) : {};
    const key = takesKey(route) ? idempotencyKeyOf(req) : undefined;
    const params = parseParams(pathParams, rest.join("?"), body, key);

    // Call: 503, or what the action refuses. The load may have risen while the body arrived.
    const nodes = this.#availableNodes(route);
    const kind = route.method === "GET" ? "read" : "write";
    this.#load.shedLoad(service, network);
    const result = await this.#load.run({
      service,
      network,
      kind,
      capacity: nodes * this.#deps.perNode[kind],
      isAbandoned: () => res.destroyed,
      call: () => ctx.call(route.action, params, callOptions),
    });

    reply(req, res, route.success, result, locationHeader(location, result));
  }

  /** Whether requests to the service are shed now. */
  isShedding(service: string): boolean {
    return this.#load.isShedding(service);
  }

  #endpointOf({ method, fullPath }: Alias): Endpoint {
    return this.#endpoints.get(keyOf(method, fullPath))!;
  }

  /** Before the call, because Moleculer would log a line of its own for each call to an unavailable service. */
  #availableNodes({ action }: Route): number {
    const nodes = this.#deps.availableNodes(action);
    if (nodes === 0) throw refusal("UNAVAILABLE", "No node offers this service.");
    return nodes;
  }

  #addressOf({ socket, headers }: IncomingMessage): string {
    const forwardedFor = headers["x-forwarded-for"] as string | undefined;
    return clientAddress(socket.remoteAddress, forwardedFor, this.#deps.trustedProxies);
  }

  /** Sets CORS headers before anything is refused, so that pages can also read why. Returns whether the origin may send requests. */
  #allowOrigin({ headers: { origin, host } }: Request, res: Response): boolean {
    const isAllowed = isAllowedOrigin(origin, host, this.#deps.origins);
    // Without Host the request is refused anyway, which depends on the request alone: any page may read it.
    if (origin !== undefined && (isAllowed || !host))
      for (const [name, value] of Object.entries(corsHeaders(origin))) res.setHeader(name, value);
    return isAllowed;
  }

  /** A browser's preflight, or a question for the methods of a path. */
  #replyOptions(req: Request, res: Response, path: string): void {
    if (req.headers.origin && req.headers["access-control-request-method"])
      return reply(req, res, 204, undefined, preflightHeaders);
    const allow = this.#deps.routeTable.allowedMethods(path);
    if (!allow) throw refusal("NOT_FOUND");
    reply(req, res, 204, undefined, { allow });
  }

  #redirect(req: Request, res: Response, path: string): void {
    const [, ...query] = req.url!.split("?");
    const location = [path, ...query].join("?");
    reply(req, res, 308, undefined, { location, "content-length": 0 });
  }

  async #authenticate({ headers }: Request, res: Response): Promise<Caller> {
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? "")?.[1];
    if (!token) throw refusal("UNAUTHENTICATED");
    const { id, sid } = await this.#deps.verify(token);
    res.userId = id;
    return { id, sid };
  }
}

const pagePatterns = pagePaths.map(pagePattern);
/** Whether the path is that of a view of the page, with a slash at its end. */
const isPageWithSlash = (path: string) =>
  path.length > 1 &&
  path.endsWith("/") &&
  pagePatterns.some((pattern) => pattern.test(path.slice(0, -1)));

const keyOf = (method: string, path: string) => `${method} ${path}`;

function endpointOf(route: Route): Endpoint {
  const isReadable = routes.some(
    ({ method, path }) => method === "GET" && path === `${route.path}/:id`,
  );
  return {
    route,
    service: route.action.split(".")[0]!,
    parseParams: paramsParser(route),
    location: route.success === 201 && isReadable ? route.path : undefined,
  };
}

function checkRequest(req: Request, isAllowed: boolean): void {
  const { host } = req.headers;
  if (host ? host.includes(",") : req.httpVersion === "1.1")
    throw refusal("BAD_DATA", "The request must have exactly one Host header.");
  if (!req.url!.startsWith("/")) throw refusal("BAD_DATA", "The request's target is not a path.");
  if (host && !isHost(host)) throw refusal("BAD_DATA", "The Host header is not a host name.");
  if (hasOtherCoding(req)) throw refusal("BAD_DATA", "This Transfer-Encoding is not accepted.");
  if (!isAllowed) throw refusal("FORBIDDEN", "Pages of this origin may not send requests here.");
}

/** Whether another server could see the end of the body elsewhere (RFC 9112, 6.1): the connection must not be used again. */
const hasOtherCoding = ({ headers: { "transfer-encoding": coding }, httpVersion }: Request) =>
  coding !== undefined && (coding.toLowerCase() !== "chunked" || httpVersion !== "1.1");

/** Health checks of one monitor are exempt from the rate limit: a flood must not look like a failure. */
const isHealthCheck = (path: string) => path === "/health/live" || path === "/health/ready";

function locationHeader(location: string | undefined, result: unknown): OutgoingHttpHeaders {
  const { id } = (result ?? {}) as { id?: string };
  return location && id ? { location: `${location}/${id}` } : {};
}
