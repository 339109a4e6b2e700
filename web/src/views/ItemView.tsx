import { useEffect, useRef, useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { useLoaded } from "../loading.ts";
import { money } from "../money.ts";
import { go } from "../router.ts";
import {
  learn,
  profileOf,
  saw,
  seenItem,
  sentenceOf,
  souk,
  SoukError,
  useNews,
  useSession,
} from "../item-cache.ts";
import { say } from "../voice.ts";
import { Empty, Failed, Moment, Title } from "../ui/bits.tsx";
import { Buy } from "../ui/Buy.tsx";
import { BackLink } from "../ui/Field.tsx";
import { Picture } from "../ui/Picture.tsx";

/** One item, by its id; `children` are given it once it is there. */
export function WithItem({
  id,
  children,
}: {
  id: string;
  children: (item: Item) => preact.ComponentChildren;
}) {
  const ask = async () => {
    const item = await souk.item(id);
    saw(item);
    learn(id, item);
    return item;
  };
  const { value, error, isLoading, reload } = useLoaded(`item ${id}`, ask, seenItem(id));
  useEffect(() => {
    // Whoever comes back to this tab sees whether it is still to be had.
    const look = () => document.hidden || reload();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [id]);

  if (error instanceof SoukError && (error.status === 404 || error.status === 400))
    return <NoItem />;
  if (value) return <>{children(value)}</>;
  if (isLoading) return <ItemToCome />;
  return (
    <>
      <Title>An item</Title>
      <Failed error={error} again={reload} />
    </>
  );
}

export const ItemView = ({ id }: { id: string }) => (
  <WithItem id={id}>{(item) => <Shown item={item} key={item.id} />}</WithItem>
);

function Shown({ item: loaded }: { item: Item }) {
  const item = useNews(loaded);
  const { user } = useSession();
  if (!item) return <NoItem />;
  return (
    <>
      <BackLink href="/">All items</BackLink>
      <article class="item">
        <Picture item={item} isEager />
        <div class="item-facts">
          <Title>{item.title}</Title>
          <p class="price is-large">
            <span class={item.isSold ? "was" : ""}>{money(item.price, item.currency)}</span>
            {item.isSold && <span class="stamp">Sold</span>}
          </p>
          <p class="seller">
            Offered by <Seller id={item.sellerId} />
            {item.isSold && item.soldAt && (
              <>
                , sold <Moment at={item.soldAt} />
              </>
            )}
          </p>
          {user?.id === item.sellerId && !item.isSold ? <Own item={item} /> : <Buy item={item} />}
          {item.description && (
            <p class="description" dir="auto">
              {item.description}
            </p>
          )}
        </div>
      </article>
    </>
  );
}

/** A name that leads to what else they sell. Without their name, who is away for a moment, they are "the seller". */
export function Seller({ id }: { id: string }) {
  return (
    <a href={`/shop/sellers/${id}`}>
      <Name id={id} otherwise="this seller" />
    </a>
  );
}

export function Name({ id, otherwise }: { id: string; otherwise: string }) {
  const { value } = useLoaded(`profile ${id}`, () => profileOf(id));
  return <bdi>{value?.name ?? otherwise}</bdi>;
}

/** What its seller can do with it. */
function Own({ item }: { item: Item }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [fault, setFault] = useState("");
  const withdraw = async () => {
    try {
      await souk.withdraw(item.id);
      learn(item.id, null);
      say("Withdrawn.");
      go("/shop/sales?show=offers", { instead: true });
    } catch (error) {
      setFault(
        error instanceof SoukError && error.code === "ITEM_SOLD"
          ? "Too late: it was just sold."
          : sentenceOf(error),
      );
    }
  };
  return (
    <div class="actions">
      <a class="button is-quiet" href={`/shop/items/${item.id}/edit`}>
        Revise
      </a>
      <button
        type="button"
        class="button is-quiet is-danger"
        onClick={() => dialog.current!.showModal()}
      >
        Withdraw
      </button>
      <p class="result">This one is yours.</p>
      <dialog ref={dialog} aria-labelledby="withdraw-title">
        <h2 id="withdraw-title">Withdraw this item?</h2>
        <p dir="auto">“{item.title}” is taken off the market.</p>
        <p class="fault is-whole" role="alert">
          {fault}
        </p>
        <p class="actions">
          <button type="button" class="button is-danger" onClick={withdraw}>
            Withdraw
          </button>
          <button type="button" class="button is-quiet" onClick={() => dialog.current!.close()}>
            Keep it
          </button>
        </p>
      </dialog>
    </div>
  );
}

export const NoItem = () => (
  <>
    <Title>No such item</Title>
    <Empty title="There is no such item, or its seller took it back.">
      <p>
        <a href="/">See what else there is</a>
      </p>
    </Empty>
  </>
);

const ItemToCome = () => (
  <>
    <BackLink href="/">All items</BackLink>
    <Title hidden>Loading</Title>
    <div class="item is-coming" aria-hidden="true">
      <div class="niche" />
      <div class="item-facts">
        <p class="bar is-title" />
        <p class="bar is-short" />
        <p class="bar" />
        <p class="bar" />
      </div>
    </div>
  </>
);
