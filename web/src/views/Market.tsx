import { changeQuery, useAddress } from "../router.ts";
import { t } from "../texts.ts";
import { ItemList, type Sort } from "../ui/ItemList.tsx";
import { Star } from "../ui/Star.tsx";
import { Title } from "../ui/Title.tsx";

/** Returns `fallback` for a value that is not an option: the address may be typed by hand. */
const optionOf = <K extends string>(
  options: Record<K, string>,
  value: string | null,
  fallback: K,
): K => (value !== null && Object.hasOwn(options, value) ? (value as K) : fallback);

export function Market() {
  const { query } = useAddress();
  const sortOptions: Record<Sort, string> = t.market.sortOptions;
  const { soldOptions } = t.market;
  const search = (query.get("search") ?? "").slice(0, 100);
  const sort = optionOf(sortOptions, query.get("sort"), "newest");
  const sold = optionOf<keyof typeof soldOptions>(soldOptions, query.get("sold"), "false");
  const itemsQuery = {
    sort,
    ...(search && { search }),
    ...(sold !== "all" && { sold: sold === "true" }),
  };
  return (
    <>
      {search ? <Title>{t.market.searchHeading(search)}</Title> : <Hero />}
      <div class="filters">
        <Filter
          label={t.market.sort}
          name="sort"
          value={sort}
          options={sortOptions}
          defaultValue="newest"
        />
        <Filter
          label={t.market.show}
          name="sold"
          value={sold}
          options={soldOptions}
          defaultValue="false"
        />
      </div>
      <ItemList name={JSON.stringify(itemsQuery)} query={itemsQuery} isSearch={Boolean(search)} />
    </>
  );
}

const Hero = () => (
  <div class="hero">
    <Star />
    <Title windowTitle={t.market.windowTitle}>{t.market.heading}</Title>
    <p>{t.market.promise}</p>
  </div>
);

interface FilterProps {
  label: string;
  /** The parameter of the query. */
  name: string;
  value: string;
  options: Record<string, string>;
  /** Left out of the query. */
  defaultValue: string;
}

const Filter = ({ label, name, value, options, defaultValue }: FilterProps) => (
  <label class="filter">
    <span>{label}</span>
    <select
      value={value}
      onChange={({ currentTarget }) =>
        changeQuery({
          [name]: currentTarget.value === defaultValue ? undefined : currentTarget.value,
        })
      }
    >
      {Object.entries(options).map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </select>
  </label>
);
