import { useEffect, useRef } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { useListing } from "../loading.ts";
import { refine, usePlace } from "../router.ts";
import { saw, souk } from "../item-cache.ts";
import { say } from "../voice.ts";
import { Empty, Failed, More, Star, Title } from "../ui/bits.tsx";
import { Card, CardsToCome } from "../ui/Card.tsx";

type Sort = "newest" | "price" | "-price";
const sorts: Record<Sort, string> = {
  newest: "Newest first",
  price: "Cheapest first",
  "-price": "Dearest first",
};
const sales = { all: "Everything", false: "For sale", true: "Sold" };

/** Typed by hand, an address may ask for anything. */
const oneOf = <K extends string>(
  known: Record<K, string>,
  value: string | null,
  otherwise: K,
): K => (value !== null && Object.hasOwn(known, value) ? (value as K) : otherwise);

export function Market() {
  const { query } = usePlace();
  const search = (query.get("search") ?? "").slice(0, 100);
  const sort = oneOf(sorts, query.get("sort"), "newest");
  const sold = oneOf(sales, query.get("sold"), "all");
  const wanted = {
    sort,
    ...(search && { search }),
    ...(sold !== "all" && { sold: sold === "true" }),
  };
  return (
    <>
      {search ? (
        <Title>{`Search: ${search}`}</Title>
      ) : (
        <div class="hero">
          <Star />
          <Title named="Souk: every item is sold once">One of each.</Title>
          <p>Every item is sold once, and its seller hears of it at once.</p>
        </div>
      )}
      <div class="choices">
        <Choice label="Sort" name="sort" value={sort} options={sorts} />
        <Choice label="Show" name="sold" value={sold} options={sales} />
      </div>
      <Goods name={JSON.stringify(wanted)} wanted={wanted} isSearch={Boolean(search)} />
    </>
  );
}

interface ChoiceProps {
  label: string;
  name: string;
  value: string;
  options: Record<string, string>;
}

function Choice({ label, name, value, options }: ChoiceProps) {
  const first = name === "sort" ? "newest" : "all";
  const choose = ({ currentTarget }: { currentTarget: HTMLSelectElement }) =>
    refine({ [name]: currentTarget.value === first ? undefined : currentTarget.value });
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={choose}>
        {Object.entries(options).map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface GoodsProps {
  /** Another name, another list. */
  name: string;
  wanted: { search?: string; sellerId?: string; sold?: boolean; sort?: Sort };
  isSearch?: boolean;
}

/** A list of items, growing when its end comes into sight. */
export function Goods({ name, wanted, isSearch = false }: GoodsProps) {
  const { rows, nextCursor, isLoading, error, more } = useListing<Item>(
    `items ${name}`,
    async (cursor) => {
      const { items, nextCursor } = await souk.items({
        ...wanted,
        limit: 24,
        ...(cursor && { cursor }),
      });
      saw(...items);
      return { rows: items, nextCursor };
    },
  );
  useEffect(() => {
    if (isSearch && !isLoading)
      say(
        rows.length === 0
          ? "Nothing found."
          : `${rows.length}${nextCursor ? " and more" : ""} found.`,
      );
  }, [isLoading, isSearch]);

  if (rows.length === 0 && isLoading) return <CardsToCome />;
  if (rows.length === 0 && error) return <Failed error={error} again={more} />;
  if (rows.length === 0) return <NoGoods isSearch={isSearch} />;
  return (
    <>
      <ul class="cards">
        {rows.map((item, n) => (
          <Card key={item.id} item={item} isEager={n < 4} />
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

const NoGoods = ({ isSearch }: { isSearch: boolean }) =>
  isSearch ? (
    <Empty title="Nothing here goes by these words.">
      <p>
        Words match from their beginning: “lan” finds a lantern. Or <a href="/">see everything</a>.
      </p>
    </Empty>
  ) : (
    <Empty title="Nothing is on offer here.">
      <p>
        <a href="/shop/sell">Offer the first item</a>
      </p>
    </Empty>
  );

/** The button is for those who do not scroll. */
export function Growing({ isLoading, more }: { isLoading: boolean; more: () => void }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isLoading) return;
    const watch = new IntersectionObserver(
      (seen) => seen.some(({ isIntersecting }) => isIntersecting) && more(),
      { rootMargin: "400px" },
    );
    watch.observe(end.current!);
    return () => watch.disconnect();
  }, [isLoading, more]);
  return (
    <div ref={end}>
      <More isLoading={isLoading} more={more} />
    </div>
  );
}
