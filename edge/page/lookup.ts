/** Reads what the tags of a page need, without ever holding the page up for long. */
import type { Item } from "../../contracts/market.ts";
import type { Profile } from "../../contracts/users.ts";
import { codeOf } from "../../broker/refusal.ts";

/** Milliseconds for which an answer is served again. */
const freshMs = 10_000;
const maxCached = 1_000;
const maxInFlight = 20;
/** After a failure, pages are served without tags for this time (ms). */
const pauseMs = 2_000;

export type Call = (
  action: "market.item" | "users.profile",
  params: { id: string },
) => Promise<unknown>;

interface Cached {
  at: number;
  /** Null: there is none. Undefined: it is not known now. */
  answer: Promise<unknown>;
}

export class PageLookup {
  readonly #call: Call;
  readonly #now: () => number;
  readonly #cache = new Map<string, Cached>();
  #inFlight = 0;
  #pausedUntil = 0;

  constructor(call: Call, now: () => number = () => performance.now()) {
    this.#call = call;
    this.#now = now;
  }

  /** Null when there is no such item, undefined while that is not known. Does not reject. */
  item(id: string): Promise<Item | null | undefined> {
    return this.#read("market.item", id) as Promise<Item | null | undefined>;
  }

  seller(id: string): Promise<Profile | null | undefined> {
    return this.#read("users.profile", id) as Promise<Profile | null | undefined>;
  }

  async #read(action: Parameters<Call>[0], id: string): Promise<unknown> {
    const key = `${action} ${id}`;
    const now = this.#now();
    const cached = this.#cache.get(key);
    if (cached && now - cached.at < freshMs) return cached.answer;
    if (now < this.#pausedUntil || this.#inFlight >= maxInFlight) return undefined;
    const answer = this.#ask(action, id, key);
    this.#cache.delete(key);
    this.#cache.set(key, { at: now, answer });
    if (this.#cache.size > maxCached) this.#cache.delete(this.#cache.keys().next().value!);
    return answer;
  }

  async #ask(action: Parameters<Call>[0], id: string, key: string): Promise<unknown> {
    this.#inFlight++;
    try {
      return await this.#call(action, { id });
    } catch (error) {
      if (["ITEM_NOT_FOUND", "NOT_FOUND"].includes(codeOf(error))) return null;
      this.#cache.delete(key);
      this.#pausedUntil = this.#now() + pauseMs;
      return undefined;
    } finally {
      this.#inFlight--;
    }
  }
}
