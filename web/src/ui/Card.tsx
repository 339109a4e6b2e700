import type { Item } from "../../../contracts/market.ts";
import { money } from "../money.ts";
import { useNews } from "../item-cache.ts";
import { Buy } from "./Buy.tsx";
import { Picture } from "./Picture.tsx";

/** An item in a list: its niche leads to it, its button buys it. */
export function Card({ item: listed, isEager = false }: { item: Item; isEager?: boolean }) {
  const item = useNews(listed);
  if (!item) return null;
  return (
    <li class={item.isSold ? "card is-sold" : "card"}>
      <article>
        <a class="card-link" href={`/shop/items/${item.id}`}>
          <Picture item={item} isEager={isEager} />
          <h2 dir="auto">{item.title}</h2>
        </a>
        <div class="card-foot">
          <p class="price">
            <span class={item.isSold ? "was" : ""}>{money(item.price, item.currency)}</span>
            {item.isSold && <span class="stamp">Sold</span>}
          </p>
          <Buy item={item} />
        </div>
      </article>
    </li>
  );
}

/** The room that cards will take. */
export const CardsToCome = ({ count = 8 }: { count?: number }) => (
  <ul class="cards" aria-hidden="true">
    {Array.from({ length: count }, (_, n) => (
      <li class="card is-coming" key={n}>
        <div class="niche" />
        <p class="bar" />
        <p class="bar is-short" />
      </li>
    ))}
  </ul>
);
