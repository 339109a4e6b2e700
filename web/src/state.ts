import { useEffect, useState } from "preact/hooks";
import type { Store } from "../../client/store.ts";

export { store as state } from "../../client/store.ts";

/** Renders again whenever the store changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState<T>(() => store.get());
  useEffect(() => store.subscribe((next) => setValue(() => next)), [store]);
  return value;
}
