import { useEffect, useRef, useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { announce } from "../announcer.ts";
import { formatPrice } from "../prices.ts";
import { purchase, type PurchaseResult } from "../purchase.ts";
import { navigate } from "../router.ts";
import { useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { Icon } from "./Icon.tsx";

type State = { outcome: "none" | "buying"; text: "" } | PurchaseResult;

/** Buys with one click, and shows the result. */
export function BuyButton({ item }: { item: Item }) {
  const { user } = useSession();
  const [state, setState] = useState<State>({ outcome: "none", text: "" });
  const { outcome, text } = state;

  const buy = async () => {
    if (outcome === "buying") return;
    setState({ outcome: "buying", text: "" });
    const result = await purchase(item);
    if (result.outcome === "signInFirst")
      return navigate(`/shop/sign-in?to=${encodeURIComponent(`/shop/items/${item.id}`)}`);
    setState(result);
    announce(result.text);
  };

  const isOwn = user?.id === item.sellerId || outcome === "own";
  const isForSale = !item.isSold && !isOwn && outcome !== "withdrawn";
  const { label, name } = buttonTexts(outcome, item);
  return (
    <div class="buy">
      {isForSale && (
        <button
          type="button"
          class="button"
          aria-disabled={outcome === "buying"}
          aria-label={name}
          onClick={buy}
        >
          {label}
        </button>
      )}
      <Result {...state} />
      {isOwn && !text && !item.isSold && <p class="buy-result">{t.item.own}</p>}
    </div>
  );
}

function Result({ outcome, text }: State) {
  const message = useRef<HTMLParagraphElement>(null);
  // When the pressed button has disappeared, the message takes the focus.
  useEffect(() => {
    if (outcome !== "none" && (!document.activeElement || document.activeElement === document.body))
      message.current?.focus({ preventScroll: true });
  }, [outcome]);
  if (!text) return null;
  return (
    <p ref={message} tabIndex={-1} class={`buy-result is-${outcome}`}>
      {outcome === "bought" && <Icon name="check" />}
      <span>
        {text} {outcome === "bought" && <a href="/shop/purchases">{t.buy.seePurchases}</a>}
      </span>
    </p>
  );
}

/** The accessible name contains the visible label, so that voice control finds the button by it. */
function buttonTexts(outcome: State["outcome"], { title, price: amount, currency }: Item) {
  const price = formatPrice(amount, currency);
  if (outcome === "buying") return { label: t.buy.buying, name: t.buy.buyingItem(title) };
  if (outcome === "unavailable")
    return { label: t.loading.retry, name: t.buy.tryAgainItem(title, price) };
  if (outcome === "priceChanged")
    return { label: t.buy.buyFor(price), name: t.buy.buyItemFor(title, price) };
  return { label: t.buy.buy, name: t.buy.buyItem(title, price) };
}
