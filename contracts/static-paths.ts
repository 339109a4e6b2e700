/** The paths of the page's views. The page imports this, so it has no other imports. */
export const pagePaths = [
  "/",
  "/shop/items/:id",
  "/shop/items/:id/edit",
  "/shop/sellers/:id",
  "/shop/sell",
  "/shop/sales",
  "/shop/purchases",
  "/shop/inbox",
  "/shop/account",
  "/shop/settings",
  "/shop/sign-in",
  "/shop/register",
  "/verify",
] as const;
export type PagePath = (typeof pagePaths)[number];

/** What such a path matches. Its first group is the `:id`. */
export const pagePattern = (path: PagePath): RegExp =>
  new RegExp(`^${path.replace(":id", "([\\w-]{1,64})")}$`);

/**
 * The paths that api serves itself, to anyone, by GET only: the page, its views and files, the API documents
 * and health. `*name` is the rest of the path. A page that was not built is NOT_FOUND. At any other path people (by `Accept`) get the page
 * too, with 404.
 */
export const staticPaths = [
  ...pagePaths,
  "/assets/*file",
  "/docs",
  "/dev/mail",
  "/dev/mail/:name",
  "/sw.js",
  "/robots.txt",
  "/sitemap.xml",
  "/sitemaps/:page",
  "/config.json",
  "/openapi.json",
  "/asyncapi.json",
  "/health/live",
  "/health/ready",
] as const;
export type StaticPath = (typeof staticPaths)[number];
