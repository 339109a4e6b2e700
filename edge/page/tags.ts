/** What a page says about itself to chats and search engines, which run no scripts. Pure. */
import { currencyDigits } from "../../contracts/currencies.ts";
import type { Item } from "../../contracts/market.ts";
import type { Profile } from "../../contracts/users.ts";

export interface PageTags {
  /** The window's title, as the page itself sets it later (web/src/ui/Title.tsx). */
  title: string;
  description: string;
  url: string;
  image: string;
  /** Whether the image is a picture of the item, and not the market's icon. */
  hasPicture: boolean;
  type: string;
  /** `property` and `content` of further tags. */
  more: [string, string][];
  /** A schema.org object. */
  data: object;
}

const maxDescription = 200;

/** `origin` is the market's own, such as "https://souk.example". */
export function itemTags(item: Item, origin: string): PageTags {
  const { title, currency, isSold } = item;
  const url = `${origin}/shop/items/${item.id}`;
  const price = decimal(item);
  // The contract's pattern also matches some texts that are no URL.
  const picture = URL.parse(item.imageUrl ?? "", origin)?.href;
  const hasPicture = Boolean(item.imageUrl && picture);
  const image = hasPicture ? picture! : iconOf(origin);
  const description = shortened(`${price} ${currency}. ${item.description}`);
  const availability = isSold ? "SoldOut" : "InStock";
  return {
    ...{ title: `${title} · Souk`, description, url, image, type: "product" },
    hasPicture,
    more: [
      ["product:price:amount", price],
      ["product:price:currency", currency],
      ["product:availability", isSold ? "oos" : "instock"],
    ],
    data: {
      ...{ "@context": "https://schema.org", "@type": "Product", sku: item.id, name: title },
      ...{ description: item.description || title, image, url },
      offers: {
        ...{ "@type": "Offer", url, price, priceCurrency: currency },
        availability: `https://schema.org/${availability}`,
      },
    },
  };
}

export function sellerTags({ id, name }: Profile, origin: string): PageTags {
  const url = `${origin}/shop/sellers/${id}`;
  const title = `Items by ${name} · Souk`;
  return {
    ...{ title, description: `What ${name} sells.`, url, image: iconOf(origin), type: "profile" },
    ...{ hasPicture: false, more: [] },
    data: {
      ...{ "@context": "https://schema.org", "@type": "ProfilePage", url },
      mainEntity: { "@type": "Person", name, url },
    },
  };
}

export function marketTags(origin: string): PageTags {
  const url = `${origin}/`;
  return {
    title: "Souk: every item is sold once",
    description:
      "A market where every item is sold once, and every seller is notified immediately.",
    ...{ url, image: iconOf(origin), hasPicture: false, type: "website", more: [] },
    data: { "@context": "https://schema.org", "@type": "WebSite", name: "Souk", url },
  };
}

const iconOf = (origin: string) => `${origin}/assets/icon.png`;

/** An amount as programs read it: "1500.00". */
function decimal({ price, currency }: Item): string {
  const digits = currencyDigits(currency);
  const text = String(price).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

function shortened(text: string): string {
  const characters = [...text.replaceAll(/\s+/g, " ").trim()];
  return characters.length > maxDescription
    ? `${characters.slice(0, maxDescription - 1).join("")}…`
    : characters.join("");
}

/** The built page with these tags in place of its own title and description; unchanged when it has no title. */
export function withTags(html: string, tags: PageTags): string {
  const { title, description, url, image, hasPicture, type, more, data } = tags;
  const named = [
    ["description", description],
    ["twitter:card", hasPicture ? "summary_large_image" : "summary"],
  ];
  const properties = [
    ...[
      ["og:site_name", "Souk"],
      ["og:type", type],
      ["og:title", title.replace(/ · Souk$/, "")],
    ],
    ...[["og:description", description], ["og:url", url], ["og:image", image], ...more],
  ];
  const lines = [
    `<title>${escaped(title)}</title>`,
    ...named.map(([name, text]) => `<meta name="${name}" content="${escaped(text!)}" />`),
    ...properties.map(([name, text]) => `<meta property="${name}" content="${escaped(text!)}" />`),
    `<link rel="canonical" href="${escaped(url)}" />`,
    // Data, which no browser executes: the policy of scripts does not concern it.
    `<script type="application/ld+json">${asData(data)}</script>`,
  ];
  return html
    .replace(/<meta\s+name="description"[^>]*>\s*/, "")
    .replace(/<title>[^<]*<\/title>/, () => lines.join("\n    "));
}

/** Characters that order other text, and control characters; without them, a title cannot reorder what stands next to it. */
const invisible = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu;
const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
export const escaped = (text: string): string =>
  text.replaceAll(invisible, "").replaceAll(/[&<>"']/g, (char) => entities[char]!);

/** JSON that ends no script element and begins no comment. */
const asData = (data: object): string =>
  JSON.stringify(data).replaceAll(
    /[<>&\u2028\u2029\u202A-\u202E\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
