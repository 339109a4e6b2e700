import type { Item } from "../../../contracts/market.ts";
import { formatPrice } from "../prices.ts";
import { t } from "../texts.ts";

/** The price, and whether the item is sold. A struck price would look like a discount. */
export const Price = ({ item, isLarge = false }: { item: Item; isLarge?: boolean }) => (
  <p class={isLarge ? "price is-large" : "price"}>
    <span class={item.isSold ? "is-past" : ""}>{formatPrice(item.price, item.currency)}</span>
    {item.isSold && <span class="sold-badge">{t.item.sold}</span>}
  </p>
);
