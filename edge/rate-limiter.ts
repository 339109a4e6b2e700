import type { RateLimiterRes } from "rate-limiter-flexible";
// The package's main file loads the limiters of all its databases.
import RateLimiterMemory from "rate-limiter-flexible/lib/RateLimiterMemory.js";
import type { RateLimit } from "./policy/limits.ts";
import { scaled } from "./rate-scale.ts";
import { tooManyRequests } from "./too-many-requests.ts";

/** About 20 MB. With more keys, the least recently used is dropped. */
const maxKeys = 50_000;

/**
 * Fixed-window rate limiter by key, in memory. Each node counts on its own, so a refusal costs no call
 * to another process.
 */
export class RateLimiter {
  readonly #counts: RateLimiterMemory;
  /** In order of use, the least recently used first. */
  readonly #keys = new Set<string>();
  readonly #detail: string;

  constructor({ max, seconds }: RateLimit, detail: string) {
    this.#counts = new RateLimiterMemory({ points: scaled(max), duration: seconds });
    this.#detail = detail;
  }

  /**
   * Counts one request. Throws TOO_MANY_REQUESTS with `retryAfter` in seconds when the window is full;
   * a refused request does not extend the window.
   */
  async take(key: string): Promise<void> {
    this.#touch(key);
    await this.#counts.consume(key).catch((full: RateLimiterRes) => this.#refuse(full));
  }

  /** Throws as `take` would, and counts nothing. */
  async peek(key: string): Promise<void> {
    const count = await this.#counts.get(key);
    if (count && count.msBeforeNext > 0 && count.remainingPoints === 0) this.#refuse(count);
  }

  /** Takes back one `take`. */
  async refund(key: string): Promise<void> {
    // In a new window there is nothing to take back, and its count must not start below 0.
    if ((await this.#counts.reward(key)).consumedPoints < 0) await this.#counts.delete(key);
  }

  #refuse({ msBeforeNext }: RateLimiterRes): never {
    throw tooManyRequests(this.#detail, msBeforeNext);
  }

  #touch(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= maxKeys) return;
    const oldest = this.#keys.values().next().value!;
    this.#keys.delete(oldest);
    void this.#counts.delete(oldest);
  }
}
