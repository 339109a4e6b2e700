import { randomUUID } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Context, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { refusal } from "../broker/refusal.ts";
import { schema, type Meta } from "../broker/provide.ts";
import { services } from "../contracts/actions.ts";
import { staticPaths, routes, type Route } from "../contracts/routes.ts";
import type { Caller } from "../contracts/users.ts";
import { clientAddress, networkOf } from "../edge/policy/client-address.ts";
import { concurrencyLimits, rateLimits } from "../edge/policy/limits.ts";
import { isAllowedOrigin } from "../edge/policy/origins.ts";
import { AdmissionControl } from "../edge/policy/admission-control.ts";
import { bodyOf } from "../edge/body.ts";
import { paramsParser, takesBody, type ParamsParser } from "../edge/params.ts";
import { filesOf, type File } from "../edge/static-files.ts";
import { corsHeaders, fixedHeaders, preflightHeaders } from "../edge/headers.ts";
import { staticRoutes } from "../edge/static-routes.ts";
import { headersOf, problemOf } from "../edge/problem.ts";
import { createServer, finish, listen, stopAccepting } from "../edge/server.ts";
import { marketReadiness, shared, type Readiness } from "../edge/health.ts";
import type { Identity } from "./identity.ts";
import { Counter } from "../edge/counter.ts";
import { RateLimiter } from "../edge/rate-limiter.ts";
import { scaled } from "../edge/rate-scale.ts";

/** Milliseconds for everything, and for the call within it: a client is answered within 10 s. A call that may have done something is never repeated. */
const answerWithin = 9_500;
const callOptions = { timeout: 5_000, retries: 0 };
/** Milliseconds that a node of several still takes requests when it is told to stop, so that clients leave before they are sent away. */
const goodbye = 500;
/** Milliseconds in which arrives what was sent to a node that has just stopped accepting. */
const lastArrivals = 250;
/** Milliseconds for what is running then. */
const drainWithin = 2_750;
/** Milliseconds between two lines that say that calls are refused. */
const tellEvery = 10_000;

interface Alias {
  method: string;
  fullPath: string;
  handler: ((this: Gateway, req: Request, res: Response) => Promise<void>) | null;
  match(url: string): Record<string, string> | false;
}

/** `query` as it came. */
export type Request = IncomingMessage & { query: string; originalUrl?: string };
export type Response = ServerResponse & { requestId: string };

/** What the mixin adds to a service, beside moleculer-web's own. */
export interface Gateway extends Omit<Identity, "settings" | "actions"> {
  settings: {
    port: number;
    ip: string;
    origins: string[];
    trustedProxies: number;
    /** Calls that each service may have in hand; and those that it may have also while it is slow. */
    mostInFlight: number;
    fewestInFlight: number;
    /** The folder of the built page. */
    page: string;
    socketUrl: string | undefined;
    socketPort: number;
    currency: string;
  };
  server: Server;
  /** Where it listens, once it does. */
  address(): AddressInfo;
  socketPort(): number;
  files: Map<string, File>;
  aliases: Alias[];
  /** Those of a path without parameters, by path, and those with: "/users/me" is never the user "me". */
  literal: Map<string, Alias[]>;
  patterns: Alias[];
  doors: Map<Alias, { route: Route; door: ParamsParser; places: AdmissionControl }>;
  networks: RateLimiter;
  users: RateLimiter;
  /** Requests that are not answered yet; and of each network the calls that services have in hand for it. */
  inFlight: number;
  underWayFor: Counter;
  /** When it was told last that calls are refused. */
  toldFull: number;
  drained: Promise<void> | undefined;
  /** Called whenever the last of them is answered, once nothing more can come. */
  idle: (() => void) | undefined;
  readiness(): Promise<Readiness>;
  addressOf(req: Request): string;
  identify(req: Request): Promise<Caller>;
  admit(req: Request, res: Response): Promise<void>;
  refuseAbove(places: AdmissionControl, route: Route): void;
  inService(
    places: AdmissionControl,
    network: string,
    serve: () => Promise<unknown>,
  ): Promise<unknown>;
  allowed(path: string): string;
  reply(
    req: Request,
    res: Response,
    status: number,
    body?: unknown,
    headers?: OutgoingHttpHeaders,
  ): void;
  sendError(req: Request, res: Response, error: unknown): void;
  drain(): Promise<void>;
  shut(): Promise<void>;
  httpHandler(req: IncomingMessage, res: ServerResponse): Promise<void>;
  regenerateAllAutoAliases(): void;
  actions: { rest(params: object, options: object): Promise<unknown> };
}

/**
 * moleculer-web with one table of routes and nothing else open. Its aliases, its `rest` action and what starts it stay; what it does with
 * a request in between is ours, because its own way merges query and body, looks for the action before it asks who calls, and shows
 * errors as they are.
 */
export const gateway = schema<Gateway>({
  mixins: [ApiGateway as unknown as Partial<ServiceSchema>],

  settings: {
    // Ours is made below: moleculer-web's would end the process when the port is taken.
    server: false,
    logRouteRegistration: false,
    $secureSettings: ["page"],
    routes: [
      {
        path: "/",
        mappingPolicy: "restrict",
        mergeParams: false,
        bodyParsers: false,
        pathToRegexpOptions: { sensitive: true },
        aliases: {
          ...Object.fromEntries(
            routes.map(({ method, path, action }) => [`${method} ${path}`, action]),
          ),
          ...Object.fromEntries(staticPaths.map((path) => [`GET ${path}`, staticRoutes[path]])),
        },
      },
    ],
  },

  actions: {
    // moleculer-web's own surface. `rest` is what stays: it is private, so nobody but the HTTP server below reaches it.
    listAliases: false,
    addRoute: false,
    removeRoute: false,
  },

  methods: {
    async httpHandler(req: Request, res: Response) {
      const requestID = (res.requestId = randomUUID());
      this.inFlight++;
      res.once("close", () => {
        if (--this.inFlight === 0) this.idle?.();
      });
      try {
        await this.admit(req, res);
        if (req.method === "OPTIONS") return preflight.call(this, req, res);
        // Not tracked: `drain` is what waits for requests.
        await this.actions.rest(
          { req, res },
          { requestID, timeout: answerWithin, retries: 0, tracking: false },
        );
      } catch (error) {
        this.sendError(req, res, error);
      }
    },

    /** Counts the request, whatever it is, and refuses what no route should see. Pages that may ask get to read also why they are refused. */
    async admit(req: Request, res: Response) {
      const { host, origin } = req.headers;
      const isAllowed = isAllowedOrigin(origin, host, this.settings.origins);
      if (origin !== undefined && isAllowed)
        for (const [name, value] of Object.entries(corsHeaders(origin)))
          res.setHeader(name, value as string);
      // Who watches over this node asks from one address, and must not hear of others' floods from it.
      if (!isHealth(req.url!)) await this.networks.take(networkOf(this.addressOf(req)));
      if (host ? host.includes(",") : req.httpVersion === "1.1")
        throw refusal("BAD_DATA", "There must be one Host header");
      if (!isAllowed) throw refusal("FORBIDDEN", "Pages of this origin may not ask here");
    },

    /** The query is for the route's own door to read. */
    parseQueryString(req: Request) {
      const [url = "", ...query] = req.url!.split("?");
      // moleculer-web would take it away, and find a route.
      if (url.length > 1 && url.endsWith("/")) throw refusal("NOT_FOUND");
      return { url, query: query.join("?") };
    },

    /** NOT_FOUND for a path that is not in the table; METHOD_NOT_ALLOWED for one that takes other methods. */
    resolveAlias(url: string, method: string) {
      for (const alias of this.literal.get(url) ?? this.patterns) {
        if (alias.method !== (method === "HEAD" ? "GET" : method)) continue;
        const params = matched(alias, url);
        if (params) return { alias, params };
      }
      const allow = this.allowed(url);
      throw allow
        ? refusal("METHOD_NOT_ALLOWED", `This path takes ${allow}`, { allow })
        : refusal("NOT_FOUND");
    },

    /** The methods that a path takes, for an Allow header; "" if it is not in the table. */
    allowed(url: string) {
      const here = (this.literal.get(url) ?? this.patterns).filter((alias) => matched(alias, url));
      const methods = here.map(({ method }) => (method === "GET" ? "GET, HEAD" : method));
      return methods.length > 0 ? [...methods, "OPTIONS"].join(", ") : "";
    },

    async routeHandler(
      ctx: Context<object, Meta>,
      _route: unknown,
      req: Request,
      res: Response,
      { alias, params }: { alias: Alias; params: Record<string, string> },
    ) {
      if (alias.handler) return alias.handler.call(this, req, res);
      const { route, door, places } = this.doors.get(alias)!;
      // Before anything is done for it: who comes in vain must not slow down those who are let in.
      this.refuseAbove(places, route);
      ctx.meta.ip = this.addressOf(req);
      if (route.who === "user") {
        ctx.meta.user = await this.identify(req);
        await this.users.take(ctx.meta.user.id);
      }
      const body = takesBody(route) ? await bodyOf(req) : {};
      const asked = door(params, req.query, body);
      // Moleculer would log a line of its own for each call to a service that is away.
      if (!this.broker.registry.getActionEndpoints(route.action)?.hasAvailable())
        throw refusal("UNAVAILABLE", "Nobody is there");
      // Others may have come while the body did.
      this.refuseAbove(places, route);
      const result = await this.inService(places, networkOf(ctx.meta.ip), () =>
        ctx.call(route.action, asked, callOptions),
      );
      this.reply(
        req,
        res,
        route.success,
        result,
        route.success === 201 ? locationOf(route, result) : {},
      );
    },

    /** Throws UNAVAILABLE when the service has as many calls in hand as it may have now. */
    refuseAbove(places: AdmissionControl, route: Route) {
      if (!places.isFull) return;
      const now = performance.now();
      if (now - this.toldFull > tellEvery) {
        this.toldFull = now;
        this.logger.warn(
          `More is asked of ${serviceOf(route)} than can be done: calls above ${places.limit} at a time are refused`,
        );
      }
      throw refusal("UNAVAILABLE", "Too much is waiting", { retryAfter: 1 });
    },

    /** Who is slow to send or to read takes no place here: only what the services work at counts. No network gets all the places. */
    async inService(places: AdmissionControl, network: string, serve: () => Promise<unknown>) {
      if (this.underWayFor.get(network) >= scaled(concurrencyLimits.requestsByNetwork))
        throw refusal("TOO_MANY_REQUESTS", "Too many requests from this address are waiting");
      const entered = performance.now();
      places.admit();
      this.underWayFor.increment(network);
      try {
        return await serve();
      } finally {
        places.release(entered, performance.now());
        this.underWayFor.decrement(network);
      }
    },

    addressOf({ socket, headers }: Request) {
      return clientAddress(
        socket.remoteAddress,
        headers["x-forwarded-for"] as string | undefined,
        this.settings.trustedProxies,
      );
    },

    async identify(req: Request): Promise<Caller> {
      const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(req.headers.authorization ?? "")?.[1];
      if (!token) throw refusal("UNAUTHENTICATED");
      const { id, sid } = await this.verify(token);
      return { id, sid };
    },

    /** A body that is no Buffer is sent as JSON. */
    reply(
      req: Request,
      res: Response,
      status: number,
      body?: unknown,
      headers: OutgoingHttpHeaders = {},
    ) {
      if (res.headersSent || res.destroyed) return;
      const isEmpty = status === 204 || status === 304;
      const bytes = isEmpty
        ? undefined
        : Buffer.isBuffer(body)
          ? body
          : Buffer.from(JSON.stringify(body));
      res.writeHead(status, {
        ...fixedHeaders,
        "x-request-id": res.requestId,
        ...(bytes && {
          "content-type": "application/json; charset=utf-8",
          "content-length": bytes.length,
        }),
        ...(this.drained && { connection: "close" }),
        ...headers,
      });
      finish(req, res, bytes);
    },

    /** Every failure ends here, whatever part of moleculer-web or of ours it comes from. */
    sendError(req: Request, res: Response, error: unknown) {
      const problem = problemOf(error, res.requestId);
      const what = `${req.method} ${(req.originalUrl ?? req.url)?.split("?")[0]} → ${problem.code}, request ${res.requestId}`;
      if (problem.code === "INTERNAL") this.logger.error(what, error);
      // Who is told when to come again was refused on purpose, maybe by the thousand.
      else if (problem.status >= 500 && !isPutOff(error))
        this.logger.warn(`${what}: ${(error as Error).message}`);
      this.reply(req, res, problem.status, problem, {
        "content-type": "application/problem+json; charset=utf-8",
        ...headersOf(error, problem),
      });
    },

    address() {
      return this.server.address() as AddressInfo;
    },

    /** Where the sockets are, if they are not at a URL of their own: of those in this process the port they got. */
    socketPort() {
      const sockets = this.broker.getLocalService("notifications") as
        { address?(): AddressInfo | null } | undefined;
      return sockets?.address?.()?.port ?? this.settings.socketPort;
    },

    /** Ends each connection with its next answer; then accepts nothing new, ends idle connections, lets what is running finish. */
    drain(): Promise<void> {
      if (!this.server.listening && !this.drained) return Promise.resolve();
      return (this.drained ??= pause(this.broker.transit ? goodbye : 0).then(() => this.shut()));
    },

    async shut(): Promise<void> {
      const { server } = this;
      const closed = new Promise<void>((resolve) => stopAccepting(server, resolve));
      await pause(lastArrivals);
      this.idle = () => server.closeAllConnections();
      const cut = setTimeout(this.idle, drainWithin);
      // Also those that never sent anything, which Node does not count as idle.
      if (this.inFlight === 0) this.idle();
      await closed;
      clearTimeout(cut);
    },
  },

  created() {
    this.inFlight = 0;
    this.toldFull = -Infinity;
    this.underWayFor = new Counter();
    this.networks = new RateLimiter(
      rateLimits.requestsByNetwork,
      "Too many requests from this address",
    );
    this.users = new RateLimiter(rateLimits.requestsByUser, "Too many requests of this user");
    this.readiness = shared(() => marketReadiness(this.broker));
    const table = new Map<string, Route>(
      routes.map((route) => [`${route.method} ${route.path}`, route]),
    );
    this.doors = new Map();
    const { mostInFlight, fewestInFlight } = this.settings;
    const places = new Map<string, AdmissionControl>(
      services.map((name) => [name, new AdmissionControl(mostInFlight, fewestInFlight)]),
    );
    this.files = filesOf(this.settings.page);
    this.patterns = this.aliases.filter(({ fullPath }) => /[:*]/.test(fullPath));
    this.literal = Map.groupBy(
      this.aliases.filter((alias) => !this.patterns.includes(alias)),
      ({ fullPath }) => fullPath,
    );
    for (const alias of this.aliases) {
      const route = table.get(`${alias.method} ${alias.fullPath}`);
      if (route)
        this.doors.set(alias, {
          route,
          door: paramsParser(route),
          places: places.get(serviceOf(route))!,
        });
    }
    // Else moleculer-web tells the whole cluster of aliases made anew, at every change of services; ours never change.
    this.regenerateAllAutoAliases = () => {};
    // The broker waits for running calls before it stops its services: new ones must end first, or it would wait in vain.
    this.broker.middlewares.add({ stopping: async () => void this.drain() });
    this.server = createServer((req, res) => void this.httpHandler(req, res));
  },

  async started() {
    const { address, port } = await listen(this.server, this.settings.port, this.settings.ip);
    this.logger.info(`Listening on http://${address}:${port}`);
  },

  async stopped() {
    await this.drain();
  },
});

/** OPTIONS: a browser's preflight, or anyone's question which methods a path takes. */
function preflight(this: Gateway, req: Request, res: Response) {
  if (req.headers.origin && req.headers["access-control-request-method"])
    return this.reply(req, res, 204, undefined, preflightHeaders);
  const allow = this.allowed(req.url!.split("?")[0]!);
  if (!allow) throw refusal("NOT_FOUND");
  this.reply(req, res, 204, undefined, { allow });
}

const serviceOf = ({ action }: Route) => action.split(".")[0]!;

const isPutOff = (error: unknown) =>
  (error as { data?: { retryAfter?: number } }).data?.retryAfter !== undefined;

const isHealth = (url: string) => /^\/health\/(live|ready)(\?|$)/.test(url);

function matched(alias: Alias, url: string): Record<string, string> | false {
  try {
    return alias.match(url);
  } catch {
    throw refusal("BAD_DATA", "The path is not percent-encoded UTF-8");
  }
}

/** Of what was just made, if the table has a route to it. */
function locationOf(route: Route, result: unknown): OutgoingHttpHeaders {
  const { id } = (result ?? {}) as { id?: string };
  const readable = routes.some(
    ({ method, path }) => method === "GET" && path === `${route.path}/:id`,
  );
  return readable && id ? { location: `${route.path}/${id}` } : {};
}
