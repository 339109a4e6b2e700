/** Hints for the next query of a list's first page. */
export interface PageHint {
  /** The value of the ordering's field in the last row of the page. */
  end?: unknown;
  /** Whether an unbounded query for the page took too long. */
  isSlow: boolean;
}

/** The hints of one store are kept for this many lists. */
const maxLists = 10_000;
const hintsByStore = new WeakMap<object, PageHints>();

/** Hints on the first pages of one store's lists; the least recently used are dropped. */
class PageHints {
  readonly #byList = new Map<string, PageHint>();

  get(list: object): PageHint {
    return this.#byList.get(JSON.stringify(list)) ?? { isSlow: false };
  }

  set(list: object, hint: PageHint): void {
    const name = JSON.stringify(list);
    // A map keeps the order of insertion, so its last entry is the most recently used.
    this.#byList.delete(name);
    this.#byList.set(name, hint);
    if (this.#byList.size > maxLists) this.#byList.delete(this.#byList.keys().next().value!);
  }

  delete(list: object): void {
    this.#byList.delete(JSON.stringify(list));
  }
}

export function pageHints(store: object): PageHints {
  const hints = hintsByStore.get(store) ?? new PageHints();
  hintsByStore.set(store, hints);
  return hints;
}
