import type { Item } from "../../../contracts/market.ts";
import { useCurrentItem } from "../item-cache.ts";
import { BuyButton } from "./BuyButton.tsx";
import { Picture } from "./Picture.tsx";
import { Price } from "./Price.tsx";

/** An item in a list, with a link to its view and a button to buy it. */
export function ItemCard({ item: listed, isEager = false }: { item: Item; isEager?: boolean }) {
  const item = useCurrentItem(listed);
  if (!item) return null;
  return (
    <li class={item.isSold ? "card is-sold" : "card"}>
      <article>
        <a class="card-link" href={`/shop/items/${item.id}`}>
          <Picture item={item} isEager={isEager} />
          <h2 dir="auto">{item.title}</h2>
        </a>
        <div class="card-footer">
          <Price item={item} />
          <BuyButton item={item} />
        </div>
      </article>
    </li>
  );
}
