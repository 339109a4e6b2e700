import type { Item } from "../contracts/market.ts";
import type { ApiClient } from "./call.ts";
import type { Souk } from "./souk.ts";
import { listOf } from "./list.ts";

type MarketCalls = Pick<
  Souk,
  "items" | "item" | "offer" | "revise" | "withdraw" | "buy" | "purchases" | "sales"
>;

/** `url`: the market's, as far as the paths of the routes. `userId`: the id of the signed-in user. */
export function marketCalls(
  api: ApiClient,
  url: string,
  userId: () => string | undefined,
): MarketCalls {
  const shown = (item: Item): Item => ({ ...item, imageUrl: absolute(url, item.imageUrl) });
  return {
    items: listOf({
      async page(query, options) {
        const page = await api.call("market.items", query, options);
        return { ...page, items: page.items.map(shown) };
      },
      entries: ({ items }) => items,
    }),
    item: async (id, options) => shown(await api.call("market.item", { id }, options)),
    offer: async (offer, options) => shown(await api.call("market.offer", offer, options)),
    revise: async (id, revision, options) =>
      shown(await api.call("market.revise", { ...revision, id }, options)),
    withdraw: async (id, options) => void (await api.call("market.withdraw", { id }, options)),
    buy: (id, { price, revision, ...options } = {}) =>
      api.call("market.buy", { id, price, revision }, options),
    purchases: listOf({
      page: (query, options) => api.call("market.purchases", query, options),
      entries: ({ sales }) => sales,
      owner: userId,
    }),
    sales: listOf({
      page: (query, options) => api.call("market.sales", query, options),
      entries: ({ sales }) => sales,
      owner: userId,
    }),
  };
}

/** An item's picture may be a path of the server, which is relative to the market's URL. */
const absolute = (url: string, imageUrl: string | null) =>
  imageUrl?.startsWith("/") ? url + imageUrl : imageUrl;
