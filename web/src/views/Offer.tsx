import { useState } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { announce } from "../announcer.ts";
import { discardDraft, draftFor, keepDraft, pendingOffer } from "../drafts.ts";
import { patch, remember } from "../item-cache.ts";
import { marketCurrency } from "../lookups.ts";
import { offerForm } from "../repeatable.ts";
import { navigate } from "../router.ts";
import { souk, useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { LoadError } from "../ui/LoadError.tsx";
import { OfferForm, type OfferValues } from "../ui/OfferForm.tsx";
import { RowsSkeleton } from "../ui/Skeletons.tsx";
import { Title } from "../ui/Title.tsx";
import { ItemNotFound, WithItem } from "../ui/WithItem.tsx";
import { useLoaded } from "../use-loaded.ts";

export function Sell() {
  const { value: currency, error, reload } = useLoaded("currency", marketCurrency);
  const { user } = useSession();
  return (
    <>
      <Title>{t.offer.heading}</Title>
      {/* Without the currency, the digits of a price mean nothing. */}
      {currency ? (
        <NewOffer currency={currency} userId={user!.id} key={user!.id} />
      ) : error ? (
        <LoadError error={error} retry={reload} />
      ) : (
        <RowsSkeleton />
      )}
    </>
  );
}

function NewOffer({ currency, userId }: { currency: string; userId: string }) {
  const [draft, setDraft] = useState(() => draftFor(userId));
  const newForm = () => offerForm(souk, pendingOffer(userId));
  const [send, setSend] = useState(newForm);
  const isBegun = Object.keys(draft).length > 0;
  const discard = () => {
    discardDraft(userId);
    setDraft({});
    setSend(newForm);
    announce(t.offer.draftDiscarded);
  };
  const offer = async (values: OfferValues) => {
    const { id } = await send(values);
    discardDraft(userId);
    announce(t.offer.done);
    navigate(`/shop/items/${id}`, { replace: true });
  };
  return (
    <>
      {isBegun && (
        <p class="draft-note">
          {t.offer.draftKept}{" "}
          <button type="button" class="button is-secondary is-small" onClick={discard}>
            {t.offer.discardDraft}
          </button>
        </p>
      )}
      <OfferForm
        key={isBegun}
        currency={currency}
        submit={offer}
        submitLabel={t.offer.submit}
        draft={draft}
        onChange={(values) => keepDraft(userId, values)}
      />
    </>
  );
}

export const EditItem = ({ id }: { id: string }) => (
  <WithItem id={id}>{(item) => <EditForm item={item} key={item.id} />}</WithItem>
);

function EditForm({ item }: { item: Item }) {
  const { user } = useSession();
  if (user?.id !== item.sellerId) return <ItemNotFound />;
  const save = async (values: OfferValues) => {
    const revised = await souk.revise(item.id, values);
    remember(revised);
    patch(item.id, revised);
    announce(t.offer.saved);
    navigate(`/shop/items/${item.id}`, { replace: true });
  };
  return (
    <>
      <Title>{t.offer.editHeading}</Title>
      <OfferForm currency={item.currency} item={item} submit={save} submitLabel={t.offer.save} />
    </>
  );
}
