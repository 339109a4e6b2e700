/** What api writes into the page for chats and search engines. */
import { refusal } from "../../broker/refusal.ts";
import type { Item } from "../../contracts/market.ts";
import { PageLookup } from "../../edge/page/lookup.ts";
import { robots, Sitemap } from "../../edge/page/sitemap.ts";
import { itemTags, marketTags, sellerTags, withTags } from "../../edge/page/tags.ts";

const origin = "https://souk.example";
const html = `<!doctype html><head><title>Souk</title><meta\n name="description"\n content="old" /></head><div id="page"></div>`;
const item: Item = {
  id: "7",
  title: "Brass lantern",
  description: "Made by hand.\n\nA little dented.",
  price: 4_500,
  currency: "EUR",
  imageUrl: "/assets/samples/lantern.svg",
  sellerId: "ann",
  isSold: false,
  createdAt: "2026-03-01T12:00:00.000Z",
  soldAt: null,
  revision: 0,
};
const page = (change: Partial<Item> = {}) =>
  withTags(html, itemTags({ ...item, ...change }, origin));
const data = (text: string) =>
  JSON.parse(/<script type="application\/ld\+json">(.*?)<\/script>/s.exec(text)![1]!) as Record<
    string,
    unknown
  >;
const contentOf = (text: string, name: string) =>
  new RegExp(`(?:name|property)="${name}" content="([^"]*)"`).exec(text)?.[1];

describe("the page of an item", () => {
  it("has its title, picture, price and state", () => {
    const text = page();
    expect(text).toContain("<title>Brass lantern · Souk</title>");
    expect(text).toContain('<link rel="canonical" href="https://souk.example/shop/items/7" />');
    const names = [
      "description",
      "og:title",
      "og:type",
      "og:image",
      "og:url",
      "product:price:amount",
      "product:price:currency",
      "product:availability",
      "twitter:card",
    ];
    expect(names.map((name) => contentOf(text, name))).toEqual([
      "45.00 EUR. Made by hand. A little dented.",
      "Brass lantern",
      "product",
      "https://souk.example/assets/samples/lantern.svg",
      "https://souk.example/shop/items/7",
      "45.00",
      "EUR",
      "instock",
      "summary_large_image",
    ]);
    expect(data(text)).toMatchObject({
      "@type": "Product",
      name: "Brass lantern",
      offers: { price: "45.00", priceCurrency: "EUR", availability: "https://schema.org/InStock" },
    });
    expect(text).not.toContain('content="old"');
    expect(data(page({ isSold: true }))).toMatchObject({
      offers: { availability: "https://schema.org/SoldOut" },
    });
  });

  it.each([
    [1_500, "JPY", "1500"],
    [5, "EUR", "0.05"],
    [1_500, "KWD", "1.500"],
    [1, "CLF", "0.0001"],
    [150_000, "HUF", "1500.00"],
  ])("shows %i in %s as %s", (price, currency, text) =>
    expect(contentOf(page({ price, currency }), "product:price:amount")).toBe(text),
  );

  it("has the market's icon without a picture, and a short description at code points", () => {
    const text = page({ imageUrl: null, description: "👺".repeat(500) });
    expect(contentOf(text, "og:image")).toBe("https://souk.example/assets/icon.png");
    expect(contentOf(text, "twitter:card")).toBe("summary");
    expect([...contentOf(text, "description")!]).toHaveLength(200);
    expect(contentOf(text, "description")!.isWellFormed()).toBe(true);
  });

  it("has the icon when the picture's link is no URL", () =>
    expect(contentOf(page({ imageUrl: "https://[x" }), "og:image")).toBe(
      "https://souk.example/assets/icon.png",
    ));

  it.each([
    `</title></head><script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `' onload='alert(1)`,
    `<!--<script>`,
    `]]></script><svg onload=alert(1)>`,
    "$& $1 $' $`",
    "\u202Egnikcah\u202C \u2066x\u2069 \u2028 \0",
  ])("takes a hostile title as text: %j", (title) => {
    const text = page({ title, description: title, imageUrl: `https://x.example/"onload="'<>` });
    expect(text.match(/<[a-z!/][^>]*/gi)).toEqual(
      page()
        .replace(/<script type.*<\/script>/s, (script) => script.replace(/\{.*\}/s, "{}"))
        .match(/<[a-z!/][^>]*/gi)!
        .map((_, at) => expect.stringContaining(page().match(/<[a-z!/]+/gi)![at]!)),
    );
    expect(text).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u2028\0]/);
    expect(data(text)).toMatchObject({ name: title });
  });
});

it("the pages of sellers and of the market have tags of their own", () => {
  const seller = withTags(html, sellerTags({ id: "ann", name: "Ann <b>" }, origin));
  expect(seller).toContain("<title>Items by Ann &lt;b&gt; · Souk</title>");
  expect(data(seller)).toMatchObject({ mainEntity: { "@type": "Person", name: "Ann <b>" } });
  expect(contentOf(withTags(html, marketTags(origin)), "og:url")).toBe("https://souk.example/");
});

describe("a lookup", () => {
  let now: number;
  let calls: string[];
  let answer: () => Promise<unknown>;
  const lookup = () =>
    new PageLookup(
      (action, { id }) => (calls.push(`${action} ${id}`), answer()),
      () => now,
    );
  beforeEach(() => {
    [now, calls, answer] = [0, [], () => Promise.resolve(item)];
  });

  it("is one call for many visitors, and again after 10 s", async () => {
    const found = lookup();
    expect(await Promise.all([found.item("7"), found.item("7")])).toEqual([item, item]);
    now = 9_999;
    await found.item("7");
    expect(calls).toEqual(["market.item 7"]);
    now = 10_000;
    await found.item("7");
    expect(calls).toHaveLength(2);
  });

  it("is null for what does not exist", async () => {
    answer = () => Promise.reject(refusal("ITEM_NOT_FOUND"));
    expect(await lookup().item("8")).toBeNull();
    answer = () => Promise.reject(refusal("NOT_FOUND"));
    expect(await lookup().seller("8")).toBeNull();
  });

  it("is not known after a failure, and not repeated for 2 s", async () => {
    const found = lookup();
    answer = () => Promise.reject(refusal("UNAVAILABLE"));
    expect(await found.item("7")).toBeUndefined();
    answer = () => Promise.resolve(item);
    now = 1_999;
    expect(await found.item("7")).toBeUndefined();
    now = 2_000;
    expect(await found.item("7")).toBe(item);
    expect(calls).toHaveLength(2);
  });

  it("is not known while 20 others wait, and 1,000 are kept", async () => {
    const found = lookup();
    answer = () => new Promise(() => {});
    for (let n = 0; n < 20; n++) void found.item(`${n}`);
    expect(await found.item("20")).toBeUndefined();
    expect(calls).toHaveLength(20);

    const other = lookup();
    answer = () => Promise.resolve(item);
    for (let n = 0; n <= 1_000; n++) await other.item(`${n}`);
    calls = [];
    await other.item("1000");
    await other.item("0");
    expect(calls).toEqual(["market.item 0"]);
  });
});

describe("the sitemap", () => {
  /** A market with this many items, in list pages of 100; a cursor is the number of the next item. */
  const sitemapOf = (count: number) => {
    const calls = { count: 0 };
    const sitemap = new Sitemap(
      (cursor) => {
        calls.count++;
        const from = Number(cursor ?? 0);
        const ids = Array.from({ length: Math.min(100, count - from) }, (_, n) => String(from + n));
        const next = from + 100 < count ? String(from + 100) : null;
        return Promise.resolve({ items: ids.map((id) => ({ ...item, id })), nextCursor: next });
      },
      () => 0,
    );
    return { sitemap, calls };
  };
  const locations = (xml: string) => [...xml.matchAll(/<loc>(.*?)<\/loc>/g)].map(([, url]) => url!);

  it("has each item for sale once, in pages of 1,000", async () => {
    const { sitemap } = sitemapOf(2_345);
    const pages = locations(await sitemap.index(origin));
    expect(pages).toEqual(["first", "1000", "2000"].map((page) => `${origin}/sitemaps/${page}`));
    const urls = [];
    for (const page of pages)
      urls.push(...locations(await sitemap.page(origin, page.split("/").at(-1)!)));
    expect(urls).toEqual([
      `${origin}/`,
      ...Array.from({ length: 2_345 }, (_, n) => `${origin}/shop/items/${n}`),
    ]);
  });

  it("takes at most 500 calls an hour and 10 a page of a large market", async () => {
    const { sitemap, calls } = sitemapOf(1_000_000);
    expect(locations(await sitemap.index(origin))).toHaveLength(50);
    await sitemap.index(origin);
    expect(calls.count).toBe(500);
    await sitemap.page(origin, "first");
    expect(calls.count).toBe(510);
  });

  it("has no page with a name that is no cursor", async () => {
    for (const name of ["", "a/b", "%00", "a".repeat(513)])
      await expect(sitemapOf(1).sitemap.page(origin, name)).rejects.toMatchObject({
        type: "NOT_FOUND",
      });
  });

  it("is named in robots.txt", () =>
    expect(robots(origin)).toContain(`Sitemap: ${origin}/sitemap.xml\n`));
});
