import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { codeOf, refusal } from "../broker/refusal.ts";
import type { Config } from "../contracts/config.ts";
import { currencyDigits } from "../contracts/currencies.ts";
import type { Liveness, Readiness } from "../contracts/health.ts";
import { pagePaths, type PagePath, type StaticPath } from "../contracts/static-paths.ts";
import { pageHeaders, sharedHeaders, socketOrigin, workerHeaders } from "./headers.ts";
import { prefersHtml } from "./media-type.ts";
import type { Request, Response } from "./node-http.ts";
import { devMailRoutes, type DevMailSettings } from "./page/dev-mail.ts";
import { statusOf } from "./readiness.ts";
import { pageRoutes, type PageSettings } from "./page/routes.ts";
import { reply } from "./reply.ts";
import { asyncapi } from "./spec/asyncapi.ts";
import { openapi } from "./spec/openapi.ts";
import { jsonFile, loadFiles, selectVariant, type StaticFile } from "./static-files.ts";

type StaticHandler = (req: Request, res: Response) => Promise<void>;
/** `notFound` is for people at any other path: the page, and 404. */
export type StaticRoutes = Record<StaticPath | "notFound", StaticHandler>;

export interface StaticSettings extends PageSettings, DevMailSettings {
  /** The folder of the built page. */
  pageFolder: string;
  socketUrl: string | undefined;
  /** Whether the page has its service worker; without, browsers remove the one that they have. */
  serviceWorker: boolean;
  /** The public key of web push; undefined: it is off. */
  pushKey: string | undefined;
  currency: string;
  /** The port of the sockets; 0 when it is not known. */
  socketPort(): number;
  readiness(): Promise<Readiness>;
  liveness(): Liveness;
}

/** The paths that api serves itself: the page and its files, the API documents and health. */
export function staticRoutes(settings: StaticSettings): StaticRoutes {
  const files = loadFiles(settings.pageFolder);
  const spec = { openapi: lazily(openapi), asyncapi: lazily(asyncapi) };
  // The page finds out from the path which of its views to show.
  const page = pageRoutes(files.get("/"), settings);
  const devMail = devMailRoutes(settings);
  const market: StaticHandler = (req, res) =>
    page.market(req, res, pageHeaders(...connectSources(req.headers, settings)));
  const notFound: StaticHandler = async (req, res) =>
    serveNotFound(req, res, files.get("/"), pageHeaders(...connectSources(req.headers, settings)));
  return {
    ...(Object.fromEntries(pagePaths.map((path) => [path, market])) as Record<
      PagePath,
      StaticHandler
    >),
    "/docs": async (req, res) => serve(req, res, files.get("/docs"), pageHeaders()),
    // By its exact name: nothing is decoded and no path is walked.
    "/assets/*file": orNotFound(notFound, async (req, res) =>
      serve(req, res, files.get(req.url!.split("?")[0]!), sharedHeaders),
    ),
    "/sw.js": async (req, res) =>
      serve(req, res, files.get(settings.serviceWorker ? "/sw.js" : "/sw-off.js"), workerHeaders),
    "/dev/mail": orNotFound(notFound, devMail.list),
    "/dev/mail/:name": orNotFound(notFound, devMail.one),
    "/robots.txt": page.robots,
    "/sitemap.xml": page.sitemap,
    "/sitemaps/:page": orNotFound(notFound, page.sitemapPage),
    notFound,
    "/config.json": async (req, res) => reply(req, res, 200, configOf(settings)),
    "/openapi.json": async (req, res) => serve(req, res, spec.openapi()),
    "/asyncapi.json": async (req, res) => serve(req, res, spec.asyncapi()),
    async "/health/live"(req, res) {
      const liveness = settings.liveness();
      reply(req, res, statusOf(liveness), liveness);
    },
    async "/health/ready"(req, res) {
      const readiness = await settings.readiness();
      reply(req, res, statusOf(readiness), readiness);
    },
  };
}

/** What `handle` does; where it throws NOT_FOUND, people get the page by `notFound`, and programs the problem. */
const orNotFound =
  (notFound: StaticHandler, handle: StaticHandler): StaticHandler =>
  async (req, res) => {
    try {
      await handle(req, res);
    } catch (error) {
      if (codeOf(error) !== "NOT_FOUND" || !prefersHtml(req.headers.accept)) throw error;
      await notFound(req, res);
    }
  };

/** A document that its first request generates. */
function lazily(generate: () => object): () => StaticFile {
  let file: StaticFile | undefined;
  return () => (file ??= jsonFile(generate()));
}

const configOf = ({ socketUrl, socketPort, pushKey, currency }: StaticSettings): Config => ({
  socketUrl: socketUrl ?? null,
  socketPort: socketPort(),
  pushKey: pushKey ?? null,
  currency,
  currencyDigits: currencyDigits(currency),
});

const connectSources = (headers: IncomingHttpHeaders, settings: StaticSettings) =>
  socketOrigin(headers, { ...settings, socketPort: settings.socketPort() });

function serve(
  req: Request,
  res: Response,
  file: StaticFile | undefined,
  extra: OutgoingHttpHeaders = {},
): void {
  if (!file) throw refusal("NOT_FOUND");
  const { status, headers, bytes } = selectVariant(file, req.headers);
  reply(req, res, status, bytes, { ...headers, ...extra });
}

/** The page shows its own view "not found". Nothing caches it, and no earlier answer replaces it. */
function serveNotFound(
  req: Request,
  res: Response,
  file: StaticFile | undefined,
  extra: OutgoingHttpHeaders,
): void {
  if (!file) throw refusal("NOT_FOUND");
  const { "accept-encoding": accepted } = req.headers;
  const { headers, bytes } = selectVariant(file, { "accept-encoding": accepted });
  const { etag: _, ...rest } = headers;
  reply(req, res, 404, bytes, {
    ...{ ...rest, ...extra, "cache-control": "no-store", vary: "Origin, Accept, Accept-Encoding" },
  });
}
