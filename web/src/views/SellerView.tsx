import { useLoaded } from "../loading.ts";
import { profileOf, SoukError } from "../item-cache.ts";
import { Empty, Title } from "../ui/bits.tsx";
import { BackLink } from "../ui/Field.tsx";
import { Goods } from "./Market.tsx";

export function SellerView({ id }: { id: string }) {
  const { value, error } = useLoaded(`profile ${id}`, () => profileOf(id));
  if (error instanceof SoukError && (error.status === 404 || error.status === 400))
    return <Nobody />;
  return (
    <>
      <BackLink href="/">All items</BackLink>
      <Title>{value ? `The stall of ${value.name}` : "A stall"}</Title>
      <Goods name={`of ${id}`} wanted={{ sellerId: id }} />
    </>
  );
}

const Nobody = () => (
  <>
    <Title>Nobody here</Title>
    <Empty title="Nobody has a stall by this name.">
      <p>
        <a href="/">See what there is</a>
      </p>
    </Empty>
  </>
);
