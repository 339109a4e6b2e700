/** One click that buys, and what came of it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { money } from "../money.ts";
import { suspect } from "../outages.ts";
import { go } from "../router.ts";
import { isAway, learn, sentenceOf, souk, SoukError, useSession } from "../item-cache.ts";
import { say } from "../voice.ts";
import { Icon } from "./bits.tsx";

type Outcome =
  "none" | "buying" | "bought" | "faster" | "own" | "changed" | "gone" | "away" | "refused";

interface Result {
  outcome: Outcome;
  text?: string;
}

export function Buy({ item }: { item: Item }) {
  const { user } = useSession();
  const [{ outcome, text }, setResult] = useState<Result>({ outcome: "none" });
  const message = useRef<HTMLParagraphElement>(null);
  const price = money(item.price, item.currency);

  const buy = async () => {
    if (outcome === "buying") return;
    setResult({ outcome: "buying" });
    const result = await bought(item);
    if (!result) return go(`/shop/sign-in?to=${encodeURIComponent(`/shop/items/${item.id}`)}`);
    setResult(result);
    say(result.text ?? "");
  };
  // The button that was pressed may be gone: what replaces it takes the focus.
  useEffect(() => {
    if (outcome !== "none" && (!document.activeElement || document.activeElement === document.body))
      message.current?.focus({ preventScroll: true });
  }, [outcome]);

  const isOwn = user?.id === item.sellerId || outcome === "own";
  const isSettled = item.isSold || isOwn || outcome === "gone";
  const [label, name] = wordsOn(outcome, item.title, price);
  return (
    <div class="buy">
      {!isSettled && (
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
      {text && (
        <p ref={message} tabIndex={-1} class={`result is-${outcome}`}>
          {outcome === "bought" && <Icon name="check" />}
          <span>
            {text} {outcome === "bought" && <a href="/shop/purchases">See your purchases</a>}
          </span>
        </p>
      )}
      {isOwn && !text && !item.isSold && <p class="result">This one is yours.</p>}
    </div>
  );
}

/** What the button says, and its name, which has the same words in it: for those who tell it to be pressed by what they see. */
function wordsOn(outcome: Outcome, title: string, price: string): [label: string, name: string] {
  if (outcome === "buying") return ["Buying…", `Buying… ${title}`];
  if (outcome === "away") return ["Try again", `Try again to buy ${title} for ${price}`];
  if (outcome === "changed") return [`Buy for ${price}`, `Buy for ${price}: ${title}`];
  return ["Buy", `Buy ${title} for ${price}`];
}

/** Undefined: whoever asks has to sign in first. */
async function bought(item: Item): Promise<Result | undefined> {
  const { id, price } = item;
  try {
    await souk.buy(id, { price });
    learn(id, { isSold: true });
    return { outcome: "bought", text: "It is yours." };
  } catch (error) {
    if (error instanceof SoukError && error.code === "UNAUTHENTICATED") return undefined;
    return refusedBecause(error, item);
  }
}

async function refusedBecause(error: unknown, { id }: Item): Promise<Result> {
  const code = error instanceof SoukError ? error.code : "";
  if (code === "ITEM_SOLD") {
    learn(id, { isSold: true });
    return { outcome: "faster", text: "Somebody was faster: it is sold." };
  }
  if (code === "OWN_ITEM") return { outcome: "own", text: "This one is yours." };
  if (code === "ITEM_NOT_FOUND") return { outcome: "gone", text: "Its seller took it back." };
  if (code === "PRICE_CHANGED") return changed(id);
  if (!isAway(error)) return { outcome: "refused", text: sentenceOf(error) };
  suspect();
  return { outcome: "away", text: "The market is away. Try again: you will not pay twice." };
}

async function changed(id: string): Promise<Result> {
  const item = await souk.item(id).catch(() => undefined);
  if (!item)
    return { outcome: "changed", text: "The price has changed. Look again before you buy." };
  learn(id, item);
  return {
    outcome: "changed",
    text: `The price has changed: it is ${money(item.price, item.currency)} now.`,
  };
}
