import type { Item, ItemsQuery, Souk } from "../index.ts";
import { observable } from "../observable.ts";
import { shared } from "./shared.ts";

/** What `useItems` shows. */
interface State {
  items: readonly Item[] | undefined;
  isLoading: boolean;
  error: unknown;
  hasMore: boolean;
}

/** A list of items that is loaded by pages while it has subscribers. Public functions are bound, so they can be passed on. */
export class ItemList {
  readonly #souk: Souk;
  readonly #query: ItemsQuery;
  readonly #state = observable<State>({
    items: undefined,
    isLoading: true,
    error: null,
    hasMore: false,
  });
  /** The cursor of the next page; null before the first page and after the last one. */
  #cursor: string | null = null;
  #loading: AbortController | undefined;

  readonly get = this.#state.get;

  constructor(souk: Souk, query: ItemsQuery) {
    this.#souk = souk;
    this.#query = query;
  }

  readonly subscribe = (onChange: () => void): (() => void) => {
    const unsubscribe = this.#state.subscribe(onChange);
    const release = this.#use();
    return () => {
      unsubscribe();
      release();
    };
  };

  readonly more = (): void => {
    const { items, isLoading, hasMore } = this.get();
    if (!isLoading && (hasMore || !items)) void this.#load(this.#cursor);
  };

  readonly reload = (): void => void this.#load(null);

  readonly #use = shared(() => {
    if (this.get().isLoading) void this.#load(this.#cursor);
    return () => this.#loading?.abort();
  });

  /** Loads the page at the cursor; the first one, which replaces all, when it is null. Pages without a new item are skipped. */
  async #load(from: string | null): Promise<void> {
    this.#loading?.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    const before = from === null ? [] : (this.get().items ?? []);
    const known = new Set(before.map(({ id }) => id));
    this.#state.set({ ...this.get(), isLoading: true, error: null });
    try {
      let rows: Item[] = [];
      let cursor = from;
      do {
        const page = await this.#souk.items(
          { ...this.#query, ...(cursor !== null && { cursor }) },
          { signal },
        );
        rows = page.items.filter(({ id }) => !known.has(id));
        cursor = page.nextCursor;
      } while (rows.length === 0 && cursor !== null);
      this.#cursor = cursor;
      const items = [...before, ...rows];
      this.#state.set({ items, isLoading: false, error: null, hasMore: cursor !== null });
    } catch (error) {
      if (!signal.aborted) this.#state.set({ ...this.get(), isLoading: false, error });
    }
  }
}
