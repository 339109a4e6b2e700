/** How views get what they show: each waits, fails and heals in the same way. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { parts, suspect } from "./outages.ts";
import { usePlace } from "./router.ts";
import { isAway } from "./item-cache.ts";

export interface Loaded<T> {
  value?: T;
  error?: unknown;
  isLoading: boolean;
  reload(): void;
}

/** Asks once for each `name`; again when what was away is back. `known` is shown while it waits. */
export function useLoaded<T>(name: string, ask: () => Promise<T>, known?: T): Loaded<T> {
  const [found, setFound] = useState<{
    name: string;
    value?: T;
    error?: unknown;
    isLoading: boolean;
  }>({
    name,
    value: known,
    isLoading: true,
  });
  const current = useRef(name);
  const asking = useRef(ask);
  asking.current = ask;
  current.current = name;

  const reload = useCallback(() => {
    setFound((before) =>
      before.name === name
        ? { ...before, error: undefined, isLoading: true }
        : { name, value: known, isLoading: true },
    );
    asking.current().then(
      (value) => current.current === name && setFound({ name, value, isLoading: false }),
      (error) => {
        if (isAway(error)) suspect();
        if (current.current === name)
          setFound((before) => ({ ...before, name, error, isLoading: false }));
      },
    );
  }, [name]);

  useEffect(reload, [name]);
  useAgain(found.error, reload);
  const shown = found.name === name ? found : { value: known, isLoading: true };
  return { ...shown, reload };
}

export interface Page<T> {
  rows: T[];
  nextCursor: string | null;
}

export interface Listing<T> extends Page<T> {
  isLoading: boolean;
  error?: unknown;
  more(): void;
}

interface Kept<T> extends Page<T> {
  isLoading: boolean;
  error?: unknown;
}

/** Lists by the entry of the history that showed them: who goes back finds all that was loaded, where it was. */
const kept = new Map<string, Kept<unknown>>();
const mostKept = 12;

/** A list that grows by pages. `name` says what is asked for: another name, another list. */
export function useListing<T>(
  name: string,
  ask: (cursor?: string) => Promise<Page<T>>,
): Listing<T> {
  const { key } = usePlace();
  const id = `${key} ${name}`;
  const [, render] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  const list = (kept.get(id) ?? { rows: [], nextCursor: null, isLoading: true }) as Kept<T>;

  const put = useCallback(
    (change: Partial<Kept<T>>) => {
      const before = kept.get(id) ?? { rows: [], nextCursor: null, isLoading: true };
      kept.delete(id);
      kept.set(id, { ...before, ...change });
      for (const old of kept.keys()) if (kept.size > mostKept) kept.delete(old);
      render((n) => n + 1);
    },
    [id],
  );

  const load = useCallback(
    async (cursor?: string) => {
      put({ isLoading: true, error: undefined });
      try {
        const { rows, nextCursor } = await asking.current(cursor);
        const before = cursor ? ((kept.get(id)?.rows ?? []) as T[]) : [];
        put({ rows: [...before, ...rows], nextCursor, isLoading: false });
      } catch (error) {
        if (isAway(error)) suspect();
        put({ error, isLoading: false });
      }
    },
    [id],
  );

  useEffect(() => {
    if (!kept.has(id)) void load();
  }, [id]);
  const more = useCallback(() => {
    const now = kept.get(id);
    if (now && !now.isLoading)
      void load(now.rows.length > 0 ? (now.nextCursor ?? undefined) : undefined);
  }, [id]);
  useAgain(list.error, more);
  return { ...list, more };
}

/** Tries again once all is well, if what failed could only fail because something was away. */
function useAgain(error: unknown, again: () => void): void {
  useEffect(() => {
    if (error === undefined || !isAway(error)) return;
    const { healed } = parts.get();
    return parts.subscribe((now) => now.healed > healed && again());
  }, [error, again]);
}
