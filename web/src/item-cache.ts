/** The one client of the page, and what the page adds to it: the session comes back by itself, and so does what failed. */
import { createSouk, storedTokens, SoukError } from "../../client/index.ts";
import type { Item } from "../../contracts/market.ts";
import type { Profile } from "../../contracts/users.ts";
import { state, useStore } from "./state.ts";

export { SoukError };
export const souk = createSouk({ url: "", tokens: storedTokens() });
export const inbox = souk.inbox();

export const useSession = () => useStore(souk.session);
export const useInbox = () => useStore(inbox);

/** What became known of items since they were listed: sold, revised, withdrawn (null). */
export const news = state<ReadonlyMap<string, Partial<Item> | null>>(new Map());

export function learn(id: string, change: Partial<Item> | null): void {
  const before = news.get().get(id);
  news.set(new Map(news.get()).set(id, change && { ...before, ...change }));
}

/** Items that were shown already, so that a view of one need not wait. */
const seen = new Map<string, Item>();

export function saw(...items: Item[]): void {
  for (const item of items) seen.set(item.id, item);
}

export const seenItem = (id: string) => seen.get(id);

/** The item as it is known now; null when it was withdrawn. */
export function useNews(item: Item): Item | null {
  const change = useStore(news).get(item.id);
  return change === null ? null : { ...item, ...change };
}

const profiles = new Map<string, Promise<Profile>>();

/** Names do not change: each is asked for once, and again only when that failed. */
export function profileOf(id: string): Promise<Profile> {
  if (!profiles.has(id)) {
    const asked = souk.profile(id);
    asked.catch(() => profiles.delete(id));
    profiles.set(id, asked);
  }
  return profiles.get(id)!;
}

let configured: Promise<string> | undefined;

/** The currency that offers are made in. */
export function currencyHere(): Promise<string> {
  configured ??= souk.config().then(({ currency }) => currency);
  configured.catch(() => (configured = undefined));
  return configured;
}

/** Whether it failed because something is away, so that it is worth asking again. */
export const isAway = (error: unknown) =>
  error instanceof SoukError && (error.status === 0 || error.status >= 500);

/** What to tell a visitor about an error that no view has words of its own for. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof SoukError)) return "Something went wrong on this page.";
  if (error.code === "TOO_MANY_REQUESTS")
    return `That was too often. Try again in ${error.retryAfter ?? 10} seconds.`;
  if (error.code === "INTERNAL") return "Something went wrong on our side.";
  if (isAway(error)) return "The market is away for a moment.";
  return `${error.detail || error.message}.`.replace(/\.\.$/, ".");
}
