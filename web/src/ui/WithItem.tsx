import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Item } from "../../../contracts/market.ts";
import { isNotFound } from "../error-messages.ts";
import { patch, remember, remembered } from "../item-cache.ts";
import { souk } from "../souk.ts";
import { t } from "../texts.ts";
import { useLoaded } from "../use-loaded.ts";
import { BackLink } from "./BackLink.tsx";
import { Empty } from "./Empty.tsx";
import { LoadError } from "./LoadError.tsx";
import { ItemSkeleton } from "./Skeletons.tsx";
import { Title } from "./Title.tsx";

interface WithItemProps {
  id: string;
  children: (item: Item) => ComponentChildren;
}

/** Loads an item, and again whenever the visitor returns to the tab. */
export function WithItem({ id, children }: WithItemProps) {
  const load = async () => {
    const item = await souk.item(id);
    remember(item);
    patch(id, item);
    return item;
  };
  const { value, error, isLoading, reload } = useLoaded(`item ${id}`, load, remembered(id));
  useEffect(() => {
    const reloadIfVisible = () => document.hidden || reload();
    document.addEventListener("visibilitychange", reloadIfVisible);
    return () => document.removeEventListener("visibilitychange", reloadIfVisible);
  }, [id]);

  if (isNotFound(error)) return <ItemNotFound />;
  if (value) return <>{children(value)}</>;
  if (isLoading)
    return (
      <>
        <BackLink href="/">{t.list.allItems}</BackLink>
        <Title isHidden>{t.loading.heading}</Title>
        <ItemSkeleton />
      </>
    );
  return (
    <>
      <Title>{t.item.heading}</Title>
      <LoadError error={error} retry={reload} />
    </>
  );
}

export const ItemNotFound = () => (
  <>
    <Title>{t.item.notFound}</Title>
    <Empty title={t.item.notFoundText}>
      <p>
        <a href="/">{t.item.seeAll}</a>
      </p>
    </Empty>
  </>
);
