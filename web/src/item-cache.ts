/** Items that were loaded, and changes to them that became known later. */
import type { Item } from "../../contracts/market.ts";
import { state, useObservable } from "./state.ts";

/** Changes by item id, which override what lists have loaded: sold, edited, or withdrawn (null). */
const overrides = state<ReadonlyMap<string, Partial<Item> | null>>(new Map());

export function patch(id: string, change: Partial<Item> | null): void {
  const before = overrides.get().get(id);
  overrides.set(new Map(overrides.get()).set(id, change && { ...before, ...change }));
}

/** The current version of a loaded item; null when it was withdrawn. */
export function useCurrentItem(item: Item): Item | null {
  const change = useObservable(overrides).get(item.id);
  return change === null ? null : { ...item, ...change };
}

/** Items of lists, so that the view of one item shows it without waiting. */
const items = new Map<string, Item>();

export function remember(...loaded: Item[]): void {
  for (const item of loaded) items.set(item.id, item);
}

export const remembered = (id: string) => items.get(id);
