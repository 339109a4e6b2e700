import { useEffect, useState } from "preact/hooks";
import type { Observable } from "../../client/observable.ts";

export { observable as state } from "../../client/observable.ts";

/** Renders again after each change of the observable. */
export function useObservable<T>(observable: Observable<T>): T {
  const [value, setValue] = useState<T>(() => observable.get());
  useEffect(() => observable.subscribe((next) => setValue(() => next)), [observable]);
  return value;
}
