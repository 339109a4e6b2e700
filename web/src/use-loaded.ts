import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { isUnavailable } from "./error-messages.ts";
import { reportFailure, useRecovery } from "./outages.ts";

interface Loading<T> {
  value?: T;
  error?: unknown;
  isLoading: boolean;
}

export interface Loaded<T> extends Loading<T> {
  reload(): void;
}

/** Loads a value once for each `name`, and again after an outage. Returns `cached` until then. */
export function useLoaded<T>(name: string, load: () => Promise<T>, cached?: T): Loaded<T> {
  const initial = { name, value: cached, isLoading: true };
  const [found, setFound] = useState<Loading<T> & { name: string }>(initial);
  const current = useRef({ name, load });
  current.current = { name, load };

  const reload = useCallback(() => {
    setFound((before) =>
      before.name === name ? { ...before, error: undefined, isLoading: true } : initial,
    );
    const isCurrent = () => current.current.name === name;
    current.current.load().then(
      (value) => isCurrent() && setFound({ name, value, isLoading: false }),
      (error) => {
        if (isUnavailable(error)) reportFailure();
        if (isCurrent()) setFound((before) => ({ ...before, name, error, isLoading: false }));
      },
    );
  }, [name]);

  useEffect(reload, [name]);
  useRecovery(found.error, reload);
  const { value, error, isLoading } =
    found.name === name ? found : { ...initial, error: undefined };
  return { value, error, isLoading, reload };
}
