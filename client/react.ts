/** Hooks for React 18 and newer, and for Preact by its `preact/compat`. */
import {
  createContext,
  createElement,
  useContext,
  useMemo,
  useSyncExternalStore,
  type FunctionComponentElement,
  type ProviderProps,
  type ReactNode,
} from "react";
import type { InboxState, Item, ItemsQuery, LiveInbox, SessionState, Souk } from "./index.ts";
import { inboxStore } from "./react/inbox-store.ts";
import { ItemList } from "./react/item-list.ts";

const SoukContext = createContext<Souk | undefined>(undefined);

/** Gives the market to the hooks of all components below. */
export const SoukProvider = ({
  souk,
  children,
}: {
  souk: Souk;
  children?: ReactNode;
}): FunctionComponentElement<ProviderProps<Souk | undefined>> =>
  createElement(SoukContext.Provider, { value: souk }, children);

/** The market of the nearest SoukProvider. Throws an Error without one. */
export function useSouk(): Souk {
  const souk = useContext(SoukContext);
  if (!souk) throw new Error("There is no <SoukProvider souk={…}> above this component.");
  return souk;
}

/** The signed-in user. `status` is `unknown` until `souk.resume()` or `souk.signIn()` has been called. */
export function useSession(): SessionState {
  const { session } = useSouk();
  return useSyncExternalStore(session.subscribe, session.get, session.get);
}

/** The state of the inbox, and its functions. */
export type InboxHook = InboxState & Pick<LiveInbox, "read" | "more" | "refresh">;

/**
 * The live inbox. All components share its connection. It is opened when the first of them is mounted, and closed when the last one is
 * unmounted.
 */
export function useInbox(): InboxHook {
  const { subscribe, get, functions } = inboxStore(useSouk());
  const state = useSyncExternalStore(subscribe, get, get);
  return useMemo(() => ({ ...state, ...functions }), [state, functions]);
}

export interface ItemsState {
  /** Undefined until the first page was read: it is not known yet whether there are items. */
  items: readonly Item[] | undefined;
  isLoading: boolean;
  /** Why the last page could not be read: a SoukError, or null. The items before it stay. */
  error: unknown;
  /** Whether there are items that are not loaded. */
  hasMore: boolean;
}

export interface ItemsHook extends ItemsState {
  /** Loads the next page, or the one that failed. Does nothing while a page is loading. */
  more(): void;
  /** Reads the list again from its beginning. The items stay until then. */
  reload(): void;
}

/** The items of a query, page by page. Another query is another list. A request that is under way ends when the component is unmounted. */
export function useItems(query: ItemsQuery = {}): ItemsHook {
  const souk = useSouk();
  const key = JSON.stringify(query);
  const list = useMemo(() => new ItemList(souk, JSON.parse(key) as ItemsQuery), [souk, key]);
  const state = useSyncExternalStore(list.subscribe, list.get, list.get);
  return useMemo(() => ({ ...state, more: list.more, reload: list.reload }), [state, list]);
}
