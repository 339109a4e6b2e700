import { isNotFound } from "../error-messages.ts";
import { profileOf } from "../lookups.ts";
import { t } from "../texts.ts";
import { BackLink } from "../ui/BackLink.tsx";
import { Empty } from "../ui/Empty.tsx";
import { ItemList } from "../ui/ItemList.tsx";
import { Title } from "../ui/Title.tsx";
import { useLoaded } from "../use-loaded.ts";

export function SellerView({ id }: { id: string }) {
  const { value, error } = useLoaded(`profile ${id}`, () => profileOf(id));
  if (isNotFound(error)) return <SellerNotFound />;
  return (
    <>
      <BackLink href="/">{t.list.allItems}</BackLink>
      <Title>{value ? t.seller.heading(value.name) : t.seller.headingUnknown}</Title>
      <ItemList name={`of ${id}`} query={{ sellerId: id }} />
    </>
  );
}

const SellerNotFound = () => (
  <>
    <Title>{t.seller.notFound}</Title>
    <Empty title={t.seller.notFoundText}>
      <p>
        <a href="/">{t.item.seeAll}</a>
      </p>
    </Empty>
  </>
);
