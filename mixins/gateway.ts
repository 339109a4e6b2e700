import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { CallingOptions, Context, ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Meta } from "../broker/context.ts";
import { define, mixinOf } from "../broker/define.ts";
import { meterOf } from "../broker/metrics/meter.ts";
import { codeOf, refusal } from "../broker/refusal.ts";
import { routes } from "../contracts/routes.ts";
import { staticPaths, type StaticPath } from "../contracts/static-paths.ts";
import { AccessLog, methodOf } from "../edge/access-log.ts";
import { Drain } from "../edge/drain.ts";
import { RequestHandler } from "../edge/handler.ts";
import type { Request, Response } from "../edge/node-http.ts";
import type { OriginPolicy } from "../edge/policy/origins.ts";
import type { List } from "../edge/page/sitemap.ts";
import { isRetryable } from "../edge/problem.ts";
import { liveness, marketReadiness, shared } from "../edge/readiness.ts";
import { replyProblem } from "../edge/reply.ts";
import { RouteTable, type Alias, type Match } from "../edge/route-table.ts";
import { createServer, listen } from "../edge/server.ts";
import { staticRoutes, type StaticRoutes } from "../edge/static-routes.ts";
import { identity } from "./identity.ts";

/** Milliseconds for a whole request; its client gets a response within 10 s. */
const requestTimeoutMs = 9_500;
/** Milliseconds that a page waits for what its tags need. */
const pageTimeoutMs = 500;
/** Milliseconds for which one node of several still accepts requests while it stops. */
const handoverGraceMs = 500;

export interface GatewaySettings {
  port: number;
  ip: string;
  /** The pages of other origins that may send requests. */
  origins: OriginPolicy;
  trustedProxies: number;
  /** The limit of calls in flight to each service. */
  maxInFlight: number;
  /** The lowest limit, for a slow service. */
  minInFlight: number;
  /** The calls that one node of a service works on at the same time, by kind. */
  readsPerNode: number;
  writesPerNode: number;
  /** The folder of the built page. */
  pageFolder: string;
  socketUrl: string | undefined;
  serviceWorker: boolean;
  /** The public key of web push; undefined: it is off. */
  pushKey: string | undefined;
  publicUrl: string | undefined;
  mailFolder: string | undefined;
  socketPort: number;
  currency: string;
  /** The level of the access log's lines; undefined: there are none. */
  accessLog: "info" | "debug" | undefined;
}

/** What moleculer-web adds to a service, as far as it is used here. */
declare class MoleculerWeb {
  aliases: Alias[];
  httpHandler(req: Request, res: Response): Promise<void>;
  resolveAlias(path: string, method: string): Match | false;
  sendError(req: Request, res: Response, error: unknown): void;
  regenerateAllAutoAliases(): void;
}

/** The port that a service of this process listens on. */
const localPort = (broker: ServiceBroker, name: string) =>
  (broker.getLocalService(name) as { address?(): AddressInfo | null } | undefined)?.address?.()
    ?.port;

const availableNodes = ({ registry }: ServiceBroker, action: string) =>
  registry.getActionEndpoints(action)?.endpoints.filter(({ isAvailable }) => isAvailable).length ??
  0;

/** For what a page can do without: fails soon, and without a line in the log when no node offers the action. */
const callOnce = (broker: ServiceBroker, action: string, params: object): Promise<unknown> =>
  availableNodes(broker, action) > 0
    ? broker.call(action, params, { timeout: pageTimeoutMs, retries: 0 })
    : Promise.reject(refusal("UNAVAILABLE"));

/** Names the span of a request, if it is traced. */
const addRoute = ({ span }: Context, { method }: Request, { route }: Response) =>
  span?.addTags({ "http.request.method": methodOf(method), "http.route": route });

/** An alias may be a function, which moleculer-web calls on the service. */
const serveStatic = (path: StaticPath) =>
  function (this: { staticRoutes: StaticRoutes }, req: Request, res: Response) {
    return this.staticRoutes[path](req, res);
  };

/**
 * The HTTP gateway: moleculer-web with one table of routes and no other path. The life of a request
 * is `RequestHandler.handle` in edge/handler.ts; docs/decisions/011 says what of moleculer-web is replaced.
 */
export const gateway = define({
  mixins: [mixinOf<MoleculerWeb>(ApiGateway), identity],

  settings: {
    // The server below also limits time and connections, and names a taken port without ending the process.
    server: false,
    logRouteRegistration: false,
    $secureSettings: ["pageFolder", "mailFolder"],
    routes: [
      {
        path: "/",
        mappingPolicy: "restrict",
        bodyParsers: false,
        pathToRegexpOptions: { sensitive: true },
        aliases: {
          ...Object.fromEntries(
            routes.map(({ method, path, action }) => [`${method} ${path}`, action]),
          ),
          ...Object.fromEntries(staticPaths.map((path) => [`GET ${path}`, serveStatic(path)])),
        },
      },
    ],
    /** Runs before each request. A client's own X-Request-Id is not trusted. */
    rootCallOptions(
      this: { drain: Drain; accessLog: AccessLog },
      options: CallingOptions,
      req: Request,
      res: Response,
    ) {
      options.requestID = res.requestId = randomUUID();
      options.timeout = requestTimeoutMs;
      options.retries = 0;
      // `drain` waits for requests, longer than Moleculer would.
      options.tracking = false;
      this.drain.track(res);
      this.accessLog.begin(req, res);
    },
    onError: replyProblem,
  },

  state() {
    const settings = this.settings as GatewaySettings;
    const server = createServer(
      (req, res) => void this.httpHandler(req, res as Response),
      settings.origins,
    );
    const pages: StaticRoutes = staticRoutes({
      ...settings,
      socketPort: () => localPort(this.broker, "notifications") ?? settings.socketPort,
      readiness: shared(() =>
        marketReadiness(this.broker, (service) => handler.isShedding(service)),
      ),
      liveness: () => liveness(this.broker),
      lookUp: (action, params) => callOnce(this.broker, action, params),
      listItems: (cursor) =>
        callOnce(this.broker, "market.items", {
          sold: false,
          limit: 100,
          cursor,
        }) as ReturnType<List>,
    });
    const handler = new RequestHandler({
      routeTable: new RouteTable(this.aliases, this.resolveAlias),
      origins: settings.origins,
      notFoundPage: pages.notFound,
      trustedProxies: settings.trustedProxies,
      perNode: { read: settings.readsPerNode, write: settings.writesPerNode },
      inFlight: { max: settings.maxInFlight, min: settings.minInFlight },
      verify: (token) => this.verify(token),
      availableNodes: (action) => availableNodes(this.broker, action),
      warn: (line) => this.logger.warn(line),
      meter: meterOf(this.broker),
    });
    const level = settings.accessLog;
    const accessLog = new AccessLog(
      meterOf(this.broker),
      level && ((line) => this.logger[level](line)),
    );
    return { server, accessLog, drain: new Drain(server), staticRoutes: pages, handler };
  },

  methods: {
    /**
     * Every failed request ends here. Replaces moleculer-web's method, which logs each 5xx with its stack
     * and without the request id, including the thousands that are shed on purpose.
     */
    errorHandler(req: Request, res: Response, error: unknown) {
      const code = codeOf(error);
      meterOf(this.broker).count("souk_refusals_total", { edge: "http", code });
      const line = `${req.method} ${req.url?.split("?")[0]} failed with ${code}, request ${res.requestId}`;
      if (code === "INTERNAL") this.logger.error(line, error);
      else if ((code === "UNAVAILABLE" || code === "TIMEOUT") && !isRetryable(error))
        this.logger.warn(`${line}: ${(error as Error).message}`);
      this.sendError(req, res, error);
    },

    address() {
      return this.server.address() as AddressInfo;
    },

    startDrain() {
      return this.drain.start(this.broker.transit ? handoverGraceMs : 0);
    },
  },

  actions: {
    listAliases: false,
    addRoute: false,
    removeRoute: false,
    /** Replaces moleculer-web's order of steps. `true` means that the request was answered. */
    rest: {
      visibility: "private",
      // moleculer-web's own name of the span is the URL, with ids and queries.
      tracing: { tags: () => ({}), spanName: () => "HTTP request" },
      async handler(ctx: Context<{ req: Request; res: Response }, Meta>) {
        const { req, res } = ctx.params;
        await this.handler.handle(ctx, req, res).finally(() => addRoute(ctx, req, res));
        return true;
      },
    },
  },

  created() {
    // moleculer-web would broadcast an event to the cluster at every change of services; our aliases never change.
    this.regenerateAllAutoAliases = () => {};
    // Moleculer waits for running calls before it stops services, so new requests must end first.
    this.broker.middlewares.add({ stopping: async () => void this.startDrain() });
  },

  async started() {
    const { port, ip } = this.settings as GatewaySettings;
    const address = await listen(this.server, port, ip);
    this.logger.info(`Listening on http://${address.address}:${address.port}`);
  },

  stopped() {
    return this.startDrain();
  },
});
