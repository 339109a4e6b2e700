/** The page with its tags, robots.txt and the sitemap. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { refusal } from "../../broker/refusal.ts";
import type { Request, Response } from "../node-http.ts";
import { pagePaths, pagePattern } from "../../contracts/static-paths.ts";
import { ownOrigin } from "../headers.ts";
import { reply } from "../reply.ts";
import { selectVariant, textFile, type StaticFile } from "../static-files.ts";
import { PageLookup, type Call } from "./lookup.ts";
import { robots, Sitemap, type List } from "./sitemap.ts";
import { itemTags, marketTags, sellerTags, withTags, type PageTags } from "./tags.ts";

export interface PageSettings {
  /** The market's own origin; undefined: that of the request. */
  publicUrl: string | undefined;
  trustedProxies: number;
  /** Calls an action. Rejects soon when it is not available. */
  lookUp: Call;
  listItems: List;
}

interface Found {
  tags?: PageTags;
  status?: 404;
}

/** `page` is the built page, which is served as it is while its tags are not known. */
export function pageRoutes(page: StaticFile | undefined, settings: PageSettings) {
  const lookup = new PageLookup(settings.lookUp);
  const sitemap = new Sitemap(settings.listItems);
  const html = page?.variants.at(-1)!.bytes.toString() ?? "";
  const originOf = (headers: IncomingHttpHeaders) =>
    settings.publicUrl ?? ownOrigin(headers, settings.trustedProxies);

  async function sendText(
    req: Request,
    res: Response,
    type: string,
    write: (origin: string) => string | Promise<string>,
  ) {
    const origin = originOf(req.headers);
    if (!origin) throw refusal("NOT_FOUND");
    const file = textFile(type, await write(origin), "public, max-age=3600");
    const { status, headers, bytes } = selectVariant(file, req.headers);
    reply(req, res, status, bytes, headers);
  }

  return {
    async market(req: Request, res: Response, headers: OutgoingHttpHeaders): Promise<void> {
      if (!page) throw refusal("NOT_FOUND");
      const { tags, status } = await find(req.url!.split("?")[0]!, originOf(req.headers), lookup);
      const file = tags ? textFile(page.type, withTags(html, tags), page.cacheControl) : page;
      const selected = selectVariant(file, status ? withoutConditions(req.headers) : req.headers);
      reply(req, res, status ?? selected.status, selected.bytes, {
        ...selected.headers,
        ...headers,
      });
    },
    robots: (req: Request, res: Response) =>
      sendText(req, res, "text/plain; charset=utf-8", robots),
    sitemap: (req: Request, res: Response) =>
      sendText(req, res, "application/xml; charset=utf-8", (origin) => sitemap.index(origin)),
    sitemapPage: (req: Request, res: Response) =>
      sendText(req, res, "application/xml; charset=utf-8", (origin) =>
        sitemap.page(origin, req.url!.split("?")[0]!.slice("/sitemaps/".length)),
      ),
  };
}

/** A page that does not exist is sent with its content. */
const withoutConditions = (headers: IncomingHttpHeaders): IncomingHttpHeaders => ({
  ...headers,
  "if-none-match": undefined,
});

const viewPatterns = pagePaths.map(pagePattern);
const itemPattern = pagePattern("/shop/items/:id");
const sellerPattern = pagePattern("/shop/sellers/:id");

async function find(path: string, origin: string | undefined, lookup: PageLookup): Promise<Found> {
  if (path === "/") return origin ? { tags: marketTags(origin) } : {};
  // The route of a view matches ids that no view shows.
  if (!viewPatterns.some((pattern) => pattern.test(path))) return { status: 404 };
  const itemId = itemPattern.exec(path)?.[1];
  const sellerId = sellerPattern.exec(path)?.[1];
  if (!itemId && !sellerId) return {};
  const found = itemId ? await lookup.item(itemId) : await lookup.seller(sellerId!);
  if (found === null) return { status: 404 };
  if (!found || !origin) return {};
  return { tags: "name" in found ? sellerTags(found, origin) : itemTags(found, origin) };
}
