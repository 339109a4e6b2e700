import { useEffect } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { announce } from "../announcer.ts";
import { remember } from "../item-cache.ts";
import { souk } from "../souk.ts";
import { t } from "../texts.ts";
import { useListing } from "../use-listing.ts";
import { Empty } from "./Empty.tsx";
import { InfiniteScroll } from "./InfiniteScroll.tsx";
import { ItemCard } from "./ItemCard.tsx";
import { LoadError } from "./LoadError.tsx";
import { CardsSkeleton } from "./Skeletons.tsx";

/** These cards are in view when the list is opened, so their pictures are loaded at once. */
const eagerCards = 4;

export type Sort = "newest" | "price" | "-price";

interface ItemListProps {
  /** Identifies the list: another name is another list. */
  name: string;
  query: { search?: string; sellerId?: string; sold?: boolean; sort?: Sort };
  isSearch?: boolean;
}

export function ItemList({ name, query, isSearch = false }: ItemListProps) {
  const { rows, nextCursor, isLoading, error, more } = useListing<Item>(
    `items ${name}`,
    async (cursor) => {
      const page = await souk.items({ ...query, limit: 24, ...(cursor && { cursor }) });
      remember(...page.items);
      return { rows: page.items, nextCursor: page.nextCursor };
    },
  );
  useEffect(() => {
    if (isSearch && !isLoading && !error) announce(resultText(rows.length, nextCursor !== null));
  }, [isLoading, isSearch]);

  if (rows.length === 0 && isLoading) return <CardsSkeleton />;
  if (rows.length === 0 && error) return <LoadError error={error} retry={more} />;
  // A search for frequent words ends early: its next page may have the first item.
  if (rows.length === 0 && nextCursor) return <NothingYet more={more} />;
  if (rows.length === 0) return isSearch ? <NoResults /> : <NoItems />;
  return (
    <>
      <ul class="cards">
        {rows.map((item, n) => (
          <ItemCard key={item.id} item={item} isEager={n < eagerCards} />
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

function resultText(count: number, hasMore: boolean): string {
  if (count === 0) return hasMore ? t.list.noneSoFar : t.list.noneFound;
  return hasMore ? t.list.foundMore(count) : t.list.found(count);
}

const NothingYet = ({ more }: { more: () => void }) => (
  <Empty title={t.list.noneSoFar}>
    <button type="button" class="button is-secondary" onClick={more}>
      {t.list.searchOn}
    </button>
  </Empty>
);

const NoResults = () => (
  <Empty title={t.list.noResults}>
    <p>
      {t.list.noResultsHint((label) => (
        <a href="/">{label}</a>
      ))}
    </p>
  </Empty>
);

const NoItems = () => (
  <Empty title={t.list.none}>
    <p>
      <a href="/shop/sell">{t.list.offerFirst}</a>
    </p>
  </Empty>
);
