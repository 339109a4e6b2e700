import type { Server } from "node:http";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { env } from "../broker/env.ts";
import { refusal } from "../broker/refusal.ts";
import { concurrencyLimits, type RateLimit } from "./policy/limits.ts";
import { networkOf } from "./policy/client-address.ts";

export const scaled = (most: number) => Math.max(1, Math.ceil(most * env.rateScale));

/** So many keys are remembered, some 20 MB; beyond that, whoever has not asked for the longest time is forgotten. */
const maxKeys = 50_000;

/** Counts by key what must not happen too often. Each node counts for itself, in memory, so that a refusal costs nothing and waits for nobody. */
export class RateLimiter {
  readonly #counts: RateLimiterMemory;
  /** The last one used is the last in it. */
  readonly #keys = new Set<string>();
  readonly #detail: string;

  constructor({ max, seconds }: RateLimit, detail: string) {
    this.#counts = new RateLimiterMemory({ points: scaled(max), duration: seconds });
    this.#detail = detail;
  }

  /** Counts one more. Throws TOO_MANY_REQUESTS, with the seconds to wait, above the bound; asking meanwhile does not make the wait longer. */
  async take(key: string): Promise<void> {
    this.#remember(key);
    await this.#counts.consume(key).catch((full: RateLimiterRes) => this.#refuse(full));
  }

  /** Throws as `take` would, and counts nothing. */
  async peek(key: string): Promise<void> {
    const count = await this.#counts.get(key);
    if (count && count.msBeforeNext > 0 && count.remainingPoints === 0) this.#refuse(count);
  }

  /** What was taken turned out not to count. */
  async refund(key: string): Promise<void> {
    // Where a new window has begun meanwhile there is nothing to give back: it must not begin below nothing.
    if ((await this.#counts.reward(key)).consumedPoints < 0) await this.#counts.delete(key);
  }

  #refuse({ msBeforeNext }: RateLimiterRes): never {
    throw tooMany(this.#detail, msBeforeNext);
  }

  #remember(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= maxKeys) return;
    const oldest = this.#keys.values().next().value!;
    this.#keys.delete(oldest);
    void this.#counts.delete(oldest);
  }
}

/** Counts for one alone, who keeps it: two small numbers, where a Limiter has a key, a count and a timer to remember. */
export class FixedWindow {
  #count = 0;
  #end = 0;

  /** As a Limiter does. */
  take({ max, seconds }: RateLimit, detail: string): void {
    const now = uptime();
    if (now >= this.#end) [this.#count, this.#end] = [0, now + seconds * 1000];
    if (this.#count >= scaled(max)) throw tooMany(detail, this.#end - now);
    this.#count++;
  }
}

/** Milliseconds of this process, whole: for weeks these are numbers that take no memory of their own, as those since 1970 do. */
export const uptime = () => Math.floor(performance.now());

const tooMany = (detail: string, wait: number) =>
  refusal("TOO_MANY_REQUESTS", detail, { retryAfter: Math.max(1, Math.ceil(wait / 1000)) });

/** How many there are of each kind at this moment. */
export class Counter {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** One more; how many that makes. */
  increment(key: string): number {
    const count = this.get(key) + 1;
    this.#counts.set(key, count);
    return count;
  }

  decrement(key: string): void {
    const left = this.get(key) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}

/** Ends what one network opens above the bound, before a byte of it is read. Behind proxies all connections are theirs, and theirs to bound. */
export function limitConnections(server: Server): void {
  if (env.trustedProxies > 0) return;
  const open = new Counter();
  const most = scaled(concurrencyLimits.connectionsByNetwork);
  server.on("connection", (socket) => {
    const network = networkOf(socket.remoteAddress ?? "");
    socket.once("close", () => open.decrement(network));
    if (open.increment(network) > most) socket.destroy();
  });
}
