import { useEffect, useState } from "preact/hooks";
import type { Store } from "../../client/observable.ts";

export { observable as state } from "../../client/observable.ts";

/** Renders again after each change of the store. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState<T>(() => store.get());
  useEffect(() => store.subscribe((next) => setValue(() => next)), [store]);
  return value;
}
