import type { ComponentChildren } from "preact";
import type { Sale } from "../../../contracts/market.ts";
import { formatPrice } from "../prices.ts";
import { useAddress } from "../router.ts";
import { souk, useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { Empty } from "../ui/Empty.tsx";
import { InfiniteScroll } from "../ui/InfiniteScroll.tsx";
import { ItemList } from "../ui/ItemList.tsx";
import { LoadError } from "../ui/LoadError.tsx";
import { RowsSkeleton } from "../ui/Skeletons.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { Time } from "../ui/Time.tsx";
import { Title } from "../ui/Title.tsx";
import { UserName } from "../ui/UserName.tsx";
import { useListing } from "../use-listing.ts";

export const Purchases = () => (
  <>
    <Title>{t.orders.purchases}</Title>
    <Orders kind="purchases" emptyText={t.orders.noPurchases}>
      <a href="/">{t.orders.browse}</a>
    </Orders>
  </>
);

export function Sales() {
  const { query } = useAddress();
  const { user } = useSession();
  const isOffers = query.get("show") === "offers";
  return (
    <>
      <Title>{t.orders.sales}</Title>
      <Tabs
        label={t.orders.sales}
        tabs={[
          { href: "/shop/sales", name: t.orders.sold, isCurrent: !isOffers },
          { href: "/shop/sales?show=offers", name: t.orders.forSale, isCurrent: isOffers },
        ]}
      />
      {isOffers ? (
        <ItemList name={`offers of ${user!.id}`} query={{ sellerId: user!.id, sold: false }} />
      ) : (
        <Orders kind="sales" emptyText={t.orders.noSales}>
          <a href="/shop/sell">{t.orders.offer}</a>
        </Orders>
      )}
    </>
  );
}

interface OrdersProps {
  kind: "sales" | "purchases";
  emptyText: string;
  /** A link that is shown when there are none. */
  children: ComponentChildren;
}

function Orders({ kind, emptyText, children }: OrdersProps) {
  const { user } = useSession();
  const { rows, nextCursor, isLoading, error, more } = useListing<Sale>(
    `${kind} of ${user!.id}`,
    async (cursor) => {
      const page = await souk[kind]({ limit: 20, ...(cursor && { cursor }) });
      return { rows: page.sales, nextCursor: page.nextCursor };
    },
  );
  if (rows.length === 0 && isLoading) return <RowsSkeleton />;
  if (rows.length === 0 && error) return <LoadError error={error} retry={more} />;
  if (rows.length === 0)
    return (
      <Empty title={emptyText}>
        <p>{children}</p>
      </Empty>
    );
  return (
    <>
      <ul class="rows">
        {rows.map((sale) => (
          <Order key={sale.id} sale={sale} kind={kind} />
        ))}
      </ul>
      {error ? (
        <LoadError error={error} retry={more} />
      ) : (
        nextCursor && <InfiniteScroll isLoading={isLoading} more={more} />
      )}
    </>
  );
}

const Order = ({ sale, kind }: { sale: Sale; kind: OrdersProps["kind"] }) => (
  <li class="row">
    <a href={`/shop/items/${sale.itemId}`} dir="auto">
      {sale.title}
    </a>
    <span class="row-price">{formatPrice(sale.price, sale.currency)}</span>
    <span class="row-details">
      {kind === "sales"
        ? t.orders.soldTo(
            <UserName id={sale.buyerId} fallback={t.orders.aBuyer} />,
            <Time at={sale.soldAt} />,
          )
        : t.orders.boughtFrom(
            <UserName id={sale.sellerId} fallback={t.orders.aSeller} />,
            <Time at={sale.soldAt} />,
          )}
    </span>
  </li>
);
