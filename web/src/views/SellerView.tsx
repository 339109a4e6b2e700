import { isNotFound } from "../error-messages.ts";
import { profileOf } from "../lookups.ts";
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
      <BackLink href="/">All items</BackLink>
      <Title>{value ? `Items by ${value.name}` : "Items by this seller"}</Title>
      <ItemList name={`of ${id}`} query={{ sellerId: id }} />
    </>
  );
}

const SellerNotFound = () => (
  <>
    <Title>Seller not found</Title>
    <Empty title="This seller does not exist.">
      <p>
        <a href="/">See all items</a>
      </p>
    </Empty>
  </>
);
