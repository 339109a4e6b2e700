import type { ComponentChildren } from "preact";
import type { Sale } from "../../../contracts/market.ts";
import { useListing } from "../loading.ts";
import { money } from "../money.ts";
import { usePlace } from "../router.ts";
import { souk, useSession } from "../item-cache.ts";
import { Empty, Failed, Moment, Title } from "../ui/bits.tsx";
import { Goods, Growing } from "./Market.tsx";
import { Name } from "./ItemView.tsx";

export const Purchases = () => (
  <>
    <Title>My purchases</Title>
    <Trades which="purchases" empty="You have not bought anything yet.">
      <a href="/">Look around</a>
    </Trades>
  </>
);

export function Sales() {
  const { query } = usePlace();
  const { user } = useSession();
  const isOffers = query.get("show") === "offers";
  return (
    <>
      <Title>My sales</Title>
      <nav class="tabs" aria-label="My sales">
        <a href="/shop/sales" aria-current={isOffers ? undefined : "page"}>
          Sold
        </a>
        <a href="/shop/sales?show=offers" aria-current={isOffers ? "page" : undefined}>
          On offer
        </a>
      </nav>
      {isOffers ? (
        <Goods name={`offers of ${user!.id}`} wanted={{ sellerId: user!.id, sold: false }} />
      ) : (
        <Trades which="sales" empty="Nothing of yours was sold yet.">
          <a href="/shop/sell">Offer an item</a>
        </Trades>
      )}
    </>
  );
}

interface TradesProps {
  which: "sales" | "purchases";
  empty: string;
  children: ComponentChildren;
}

function Trades({ which, empty, children }: TradesProps) {
  const { user } = useSession();
  const { rows, nextCursor, isLoading, error, more } = useListing<Sale>(
    `${which} of ${user!.id}`,
    async (cursor) => {
      const { sales, nextCursor } = await souk[which]({ limit: 20, ...(cursor && { cursor }) });
      return { rows: sales, nextCursor };
    },
  );
  if (rows.length === 0 && isLoading) return <RowsToCome />;
  if (rows.length === 0 && error) return <Failed error={error} again={more} />;
  if (rows.length === 0) {
    return (
      <Empty title={empty}>
        <p>{children}</p>
      </Empty>
    );
  }
  return (
    <>
      <ul class="rows">
        {rows.map((sale) => (
          <Trade key={sale.id} sale={sale} isSale={which === "sales"} />
        ))}
      </ul>
      {error ? (
        <Failed error={error} again={more} />
      ) : (
        nextCursor && <Growing isLoading={isLoading} more={more} />
      )}
    </>
  );
}

const Trade = ({ sale, isSale }: { sale: Sale; isSale: boolean }) => (
  <li class="row">
    <a href={`/shop/items/${sale.itemId}`} dir="auto">
      {sale.title}
    </a>
    <span class="row-price">{money(sale.price, sale.currency)}</span>
    <span class="row-facts">
      {isSale ? "to " : "from "}
      <Name
        id={isSale ? sale.buyerId : sale.sellerId}
        otherwise={isSale ? "a buyer" : "a seller"}
      />
      , <Moment at={sale.soldAt} />
    </span>
  </li>
);

export const RowsToCome = () => (
  <ul class="rows is-coming" aria-hidden="true">
    {[1, 2, 3, 4].map((n) => (
      <li class="row" key={n}>
        <span class="bar" />
        <span class="bar is-short" />
      </li>
    ))}
  </ul>
);
