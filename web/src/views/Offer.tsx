import type { Item } from "../../../contracts/market.ts";
import { announce } from "../announcer.ts";
import { patch, remember } from "../item-cache.ts";
import { marketCurrency } from "../lookups.ts";
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
  const offer = async (values: OfferValues) => {
    const { id } = await souk.offer(values);
    announce(t.offer.done);
    navigate(`/shop/items/${id}`, { replace: true });
  };
  return (
    <>
      <Title>{t.offer.heading}</Title>
      {/* Without the currency, the digits of a price mean nothing. */}
      {currency ? (
        <OfferForm currency={currency} submit={offer} submitLabel={t.offer.submit} />
      ) : error ? (
        <LoadError error={error} retry={reload} />
      ) : (
        <RowsSkeleton />
      )}
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
