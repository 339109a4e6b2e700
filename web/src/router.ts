/** A router on the History API. Links are plain anchors; a click on a link to a view navigates without loading the page again. */
import { state, useObservable } from "./state.ts";

/** The address of the current view. */
export interface Address {
  path: string;
  query: URLSearchParams;
  /** Identifies the entry of the browser's history. It is the same after going back to that entry. */
  key: string;
}

interface HistoryState {
  key?: string;
  /** The scroll position in pixels. */
  y?: number;
}

const historyState = () => (history.state ?? {}) as HistoryState;
/** Scroll positions by history entry. */
const scrollPositions = new Map<string, number>();
const newKey = () => Math.random().toString(36).slice(2);

function currentAddress(): Address {
  const key = historyState().key ?? newKey();
  history.replaceState({ ...historyState(), key }, "");
  return {
    path: location.pathname.replace(/(.)\/$/, "$1"),
    query: new URLSearchParams(location.search),
    key,
  };
}

history.scrollRestoration = "manual";
export const address = state(currentAddress());
export const useAddress = () => useObservable(address);
/** The entry that the page was opened with. */
export const firstKey = address.get().key;
if (historyState().y) scrollPositions.set(firstKey, historyState().y!);

/** The scroll position at which the visitor left the entry; 0 for a new one. */
export const scrollPositionOf = ({ key }: Address) => scrollPositions.get(key) ?? 0;

/** `replace` replaces the current entry of the history. The same view with another query keeps its scroll position. */
export function navigate(to: string, { replace = false } = {}): void {
  saveScrollPosition();
  const key = newKey();
  if (replace && new URL(to, location.origin).pathname === location.pathname)
    scrollPositions.set(key, scrollY);
  history[replace ? "replaceState" : "pushState"]({ key }, "", to);
  address.set(currentAddress());
}

/** Changes the query of the current view. `undefined` removes a parameter. */
export function changeQuery(change: Record<string, string | undefined>): void {
  const { path, query } = address.get();
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  navigate(next.size > 0 ? `${path}?${next}` : path, { replace: true });
}

const saveScrollPosition = () => scrollPositions.set(address.get().key, scrollY);

/** Returns a path of this page unchanged, and "/" for any other address: no open redirects. */
export function safePath(to: string | null): string {
  if (!to || !URL.canParse(to, location.origin)) return "/";
  const { origin, pathname, search } = new URL(to, location.origin);
  // A path that the browser would write differently is none of ours: "/shop/../../\\evil" is "//evil".
  const isOwn = origin === location.origin && pathname + search === to;
  return isOwn && /^\/(shop(\/|\?|$)|\?|$)/.test(to) ? to : "/";
}

addEventListener("popstate", () => {
  saveScrollPosition();
  address.set(currentAddress());
});
addEventListener("pagehide", () => history.replaceState({ ...historyState(), y: scrollY }, ""));
addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const isPlain =
    event.button === 0 &&
    !event.metaKey &&
    !event.ctrlKey &&
    !event.shiftKey &&
    !event.altKey &&
    !event.defaultPrevented;
  if (!link || !isPlain || link.target || link.origin !== location.origin || link.hash) return;
  const to = link.pathname + link.search;
  if (safePath(to) !== to) return;
  event.preventDefault();
  if (to !== location.pathname + location.search) navigate(to);
});
