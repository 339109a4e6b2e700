import { useRef, useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { announce } from "../announcer.ts";
import { errorText } from "../error-messages.ts";
import { patch } from "../item-cache.ts";
import { navigate } from "../router.ts";
import { souk } from "../souk.ts";
import { t } from "../texts.ts";

/** Lets sellers edit and withdraw an item of theirs. */
export function OwnItemActions({ item }: { item: Item }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <div class="actions">
      <a class="button is-secondary" href={`/shop/items/${item.id}/edit`}>
        {t.offer.edit}
      </a>
      <button
        type="button"
        class="button is-secondary is-danger"
        onClick={() => dialog.current!.showModal()}
      >
        {t.offer.remove}
      </button>
      <p class="buy-result">{t.item.own}</p>
      <dialog ref={dialog} aria-labelledby="withdraw-title">
        <WithdrawDialog item={item} close={() => dialog.current!.close()} />
      </dialog>
    </div>
  );
}

function WithdrawDialog({ item, close }: { item: Item; close: () => void }) {
  const [error, setError] = useState("");
  const withdraw = async () => {
    try {
      await souk.withdraw(item.id);
    } catch (error) {
      return setError(errorText(error));
    }
    patch(item.id, null);
    announce(t.offer.removed);
    navigate("/shop/sales?show=offers", { replace: true });
  };
  return (
    <>
      <h2 id="withdraw-title">{t.offer.removeHeading}</h2>
      <p>{t.offer.removeText(item.title)}</p>
      <p class="error is-form" role="alert">
        {error}
      </p>
      <p class="actions">
        <button type="button" class="button is-danger" onClick={withdraw}>
          {t.offer.remove}
        </button>
        <button type="button" class="button is-secondary" onClick={close}>
          {t.offer.cancel}
        </button>
      </p>
    </>
  );
}
