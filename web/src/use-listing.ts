import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { isUnavailable } from "./error-messages.ts";
import { reportFailure, useRecovery } from "./outages.ts";
import { useAddress } from "./router.ts";

export interface Page<T> {
  rows: T[];
  nextCursor: string | null;
}

interface List<T> extends Page<T> {
  isLoading: boolean;
  error?: unknown;
}

export interface Listing<T> extends List<T> {
  /** Loads the next page, or repeats the one that failed. */
  more(): void;
}

/** Lists by history entry and name: the back button shows a list as it was, with all of its pages. */
const lists = new Map<string, List<unknown>>();
const maxLists = 12;
const emptyList: List<never> = { rows: [], nextCursor: null, isLoading: true };

function updateList(id: string, change: Partial<List<unknown>>): void {
  const before = lists.get(id) ?? emptyList;
  lists.delete(id);
  lists.set(id, { ...before, ...change });
  for (const oldest of lists.keys()) if (lists.size > maxLists) lists.delete(oldest);
}

/** A list that is loaded by pages. Another `name` is another list. */
export function useListing<T>(
  name: string,
  loadPage: (cursor?: string) => Promise<Page<T>>,
): Listing<T> {
  const { key } = useAddress();
  const id = `${key} ${name}`;
  const [, render] = useState(0);
  const current = useRef(loadPage);
  current.current = loadPage;

  const load = useCallback(
    async (cursor?: string) => {
      const update = (change: Partial<List<T>>) => {
        updateList(id, change);
        render((n) => n + 1);
      };
      update({ isLoading: true, error: undefined });
      try {
        const { rows, nextCursor } = await current.current(cursor);
        const before = cursor ? ((lists.get(id)?.rows ?? []) as T[]) : [];
        update({ rows: [...before, ...rows], nextCursor, isLoading: false });
      } catch (error) {
        if (isUnavailable(error)) reportFailure();
        update({ error, isLoading: false });
      }
    },
    [id],
  );
  const more = useCallback(() => {
    const list = lists.get(id);
    if (list && !list.isLoading) void load(list.nextCursor ?? undefined);
  }, [id]);

  useEffect(() => {
    if (!lists.has(id)) void load();
  }, [id]);
  const list = (lists.get(id) ?? emptyList) as List<T>;
  useRecovery(list.error, more);
  return { ...list, more };
}
