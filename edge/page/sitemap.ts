/** The sitemap: an index of the newest items for sale, in pages that are found by walking the list once an hour. */
import { setTimeout as pause } from "node:timers/promises";
import { codeOf, refusal } from "../../broker/refusal.ts";
import type { Item } from "../../contracts/market.ts";
import { escaped } from "./tags.ts";

interface Listed {
  items: Pick<Item, "id" | "createdAt">[];
  nextCursor: string | null;
}
/** A page of the newest items for sale. */
export type List = (cursor: string | undefined) => Promise<Listed>;

/** "first", or a cursor. */
const pageName = /^[\w-]{1,512}$/;
/** The protocol allows 50,000 addresses in a page, and as many pages. Fewer bound the work of one request. */
const itemsPerPage = 1_000;
const maxPages = 50;
/** A list page may be short, because long descriptions end it early. */
const maxCallsPerPage = 20;
const freshMs = 3_600_000;
/** Milliseconds for which a request waits for the walk. */
const maxWaitMs = 3_000;

export class Sitemap {
  readonly #list: List;
  readonly #now: () => number;
  /** The cursor that each page begins with; "first" has none. */
  #pages: string[] = ["first"];
  #walkedAt = -Infinity;
  #walk: Promise<void> | undefined;

  constructor(list: List, now: () => number = () => performance.now()) {
    this.#list = list;
    this.#now = now;
  }

  /** The index. Rejects when the list cannot be read. */
  async index(origin: string): Promise<string> {
    if (this.#now() - this.#walkedAt > freshMs) {
      this.#walk ??= this.#findPages().finally(() => (this.#walk = undefined));
      // Its failure may come after this answer.
      this.#walk.catch(() => {});
      // A large market is walked on after this answer.
      await Promise.race([this.#walk, pause(maxWaitMs, undefined, { ref: false })]);
    }
    const entries = this.#pages.map(
      (page) => `<sitemap>${loc(`${origin}/sitemaps/${page}`)}</sitemap>`,
    );
    return document("sitemapindex", entries);
  }

  /** One page: the items from a cursor on. `page` is a name of the index. Throws NOT_FOUND for any other. */
  async page(origin: string, page: string): Promise<string> {
    if (!pageName.test(page)) throw refusal("NOT_FOUND");
    const { items } = await this.#read(page).catch((error: unknown) => {
      throw codeOf(error) === "BAD_DATA" ? refusal("NOT_FOUND") : error;
    });
    const entries = items.map(
      ({ id, createdAt }) =>
        `<url>${loc(`${origin}/shop/items/${id}`)}<lastmod>${createdAt}</lastmod></url>`,
    );
    if (page === "first") entries.unshift(`<url>${loc(`${origin}/`)}</url>`);
    return document("urlset", entries);
  }

  async #findPages(): Promise<void> {
    const pages = ["first"];
    while (pages.length <= maxPages) {
      const { nextCursor } = await this.#read(pages.at(-1)!);
      if (!nextCursor) break;
      pages.push(nextCursor);
    }
    this.#pages = pages.slice(0, maxPages);
    this.#walkedAt = this.#now();
  }

  async #read(page: string): Promise<Listed> {
    const items: Listed["items"] = [];
    let nextCursor: string | null = page;
    for (
      let calls = 0;
      nextCursor && items.length < itemsPerPage && calls < maxCallsPerPage;
      calls++
    ) {
      const listed = await this.#list(nextCursor === "first" ? undefined : nextCursor);
      items.push(...listed.items.map(({ id, createdAt }) => ({ id, createdAt })));
      ({ nextCursor } = listed);
    }
    return { items, nextCursor };
  }
}

const loc = (url: string) => `<loc>${escaped(url)}</loc>`;
const document = (name: string, entries: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${entries.join("\n")}\n</${name}>\n`;

/** Search engines read the page, not the API and not what needs a signed-in user. */
export const robots = (origin: string): string =>
  `User-agent: *\nAllow: /\n${[
    "/users/",
    "/market/",
    "/notifications",
    "/shop/sell",
    "/shop/sales",
    "/shop/purchases",
    "/shop/inbox",
    "/shop/settings",
    "/shop/account",
    "/shop/sign-in",
    "/shop/register",
    "/verify",
  ]
    .map((path) => `Disallow: ${path}\n`)
    .join("")}Sitemap: ${origin}/sitemap.xml\n`;
