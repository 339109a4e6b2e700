import { navigate, useAddress } from "../router.ts";
import { t } from "../texts.ts";
import { Icon } from "../ui/Icon.tsx";

/** Searches the market. In the list of items it keeps the sort order and the filter. */
export function Search() {
  const { query, path } = useAddress();
  const isMarket = path === "/" || path === "/shop";
  const search = isMarket ? (query.get("search") ?? "") : "";
  const submit = (event: Event) => {
    event.preventDefault();
    const words = new FormData(event.currentTarget as HTMLFormElement).get("search") as string;
    const next = new URLSearchParams(isMarket ? query : {});
    next.delete("search");
    if (words.trim()) next.set("search", words.trim());
    navigate(next.size > 0 ? `/?${next}` : "/");
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <input
        key={search}
        type="search"
        name="search"
        defaultValue={search}
        maxLength={100}
        placeholder={t.frame.searchMarket}
        aria-label={t.frame.searchMarket}
      />
      <button aria-label={t.frame.search}>
        <Icon name="search" />
      </button>
    </form>
  );
}
