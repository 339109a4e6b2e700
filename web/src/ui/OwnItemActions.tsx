import { useRef, useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { announce } from "../announcer.ts";
import { errorText } from "../error-messages.ts";
import { patch } from "../item-cache.ts";
import { navigate } from "../router.ts";
import { souk, SoukError } from "../souk.ts";

/** Lets sellers edit and withdraw an item of theirs. */
export function OwnItemActions({ item }: { item: Item }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <div class="actions">
      <a class="button is-secondary" href={`/shop/items/${item.id}/edit`}>
        Edit
      </a>
      <button
        type="button"
        class="button is-secondary is-danger"
        onClick={() => dialog.current!.showModal()}
      >
        Withdraw
      </button>
      <p class="buy-result">This is your item.</p>
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
      const isSold = error instanceof SoukError && error.code === "ITEM_SOLD";
      return setError(isSold ? "The item has already been sold." : errorText(error));
    }
    patch(item.id, null);
    announce("The item is withdrawn.");
    navigate("/shop/sales?show=offers", { replace: true });
  };
  return (
    <>
      <h2 id="withdraw-title">Withdraw this item?</h2>
      <p dir="auto">“{item.title}” will be removed from the market.</p>
      <p class="error is-form" role="alert">
        {error}
      </p>
      <p class="actions">
        <button type="button" class="button is-danger" onClick={withdraw}>
          Withdraw
        </button>
        <button type="button" class="button is-secondary" onClick={close}>
          Cancel
        </button>
      </p>
    </>
  );
}
