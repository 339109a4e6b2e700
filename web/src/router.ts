/** Where the visitor is. Links are plain anchors; those that lead to a view are followed here, without loading the page anew. */
import { state, useStore } from "./state.ts";

export interface Place {
  path: string;
  query: URLSearchParams;
  /** Names this entry of the browser's history: the same again after going back to it. */
  key: string;
}

interface Kept {
  key?: string;
  /** How far it was scrolled, in pixels. */
  y?: number;
}

const kept = () => (history.state ?? {}) as Kept;
const scrolled = new Map<string, number>();
const newKey = () => Math.random().toString(36).slice(2);

function here(): Place {
  const key = kept().key ?? newKey();
  history.replaceState({ ...kept(), key }, "");
  return {
    path: location.pathname.replace(/(.)\/$/, "$1"),
    query: new URLSearchParams(location.search),
    key,
  };
}

history.scrollRestoration = "manual";
export const place = state(here());
export const usePlace = () => useStore(place);
if (kept().y) scrolled.set(place.get().key, kept().y!);

/** How far the entry was scrolled when it was left; 0 for a new one. */
export const scrollOf = ({ key }: Place) => scrolled.get(key) ?? 0;

/** `instead` takes the place of this entry of the history. The same view with another query stays where it is scrolled to. */
export function go(to: string, { instead = false } = {}): void {
  leave();
  const key = newKey();
  if (instead && new URL(to, location.origin).pathname === location.pathname)
    scrolled.set(key, scrollY);
  history[instead ? "replaceState" : "pushState"]({ key }, "", to);
  place.set(here());
}

/** The same view with another query. */
export function refine(change: Record<string, string | undefined>): void {
  const { path, query } = place.get();
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  go(next.size > 0 ? `${path}?${next}` : path, { instead: true });
}

const leave = () => scrolled.set(place.get().key, scrollY);

/** A path of this page, or the market's when the link is anybody else's. */
export const ownPath = (to: string | null) => (to && /^\/(shop(\/|\?|$)|\?|$)/.test(to) ? to : "/");

addEventListener("popstate", () => {
  leave();
  place.set(here());
});
addEventListener("pagehide", () => history.replaceState({ ...kept(), y: scrollY }, ""));
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
  if (ownPath(to) !== to) return;
  event.preventDefault();
  if (to !== location.pathname + location.search) go(to);
});
