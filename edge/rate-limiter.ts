import type { RateLimit } from "./policy/limits.ts";
import { scaled } from "./rate-scale.ts";
import { tooManyRequests } from "./too-many-requests.ts";
import { uptime } from "./uptime.ts";

/** About 10 MB. With more keys, the least recently used is dropped. */
const maxKeys = 50_000;

interface Window {
  count: number;
  /** By `uptime()`: a wall clock that jumps would prolong or end it. */
  end: number;
}

/**
 * Fixed-window rate limiter by key, in memory. Each node counts on its own, so a refusal costs no call
 * to another process.
 */
export class RateLimiter {
  /** In order of use, the least recently used first. */
  readonly #windows = new Map<string, Window>();
  readonly #max: number;
  readonly #durationMs: number;
  readonly #detail: string;

  constructor({ max, seconds }: RateLimit, detail: string) {
    [this.#max, this.#durationMs, this.#detail] = [scaled(max), seconds * 1000, detail];
  }

  /**
   * Counts one request. Throws TOO_MANY_REQUESTS with `retryAfter` in seconds when the window is full;
   * a refused request does not extend the window.
   */
  async take(key: string): Promise<void> {
    const wait = this.takeAtOnce(key);
    if (wait > 0) throw tooManyRequests(this.#detail, wait);
  }

  /** As `take`, without a promise: the time until the window ends (ms) when it is full, otherwise 0. */
  takeAtOnce(key: string, cost = 1): number {
    const now = uptime();
    const window = this.#current(key, now) ?? { count: 0, end: now + this.#durationMs };
    this.#windows.delete(key);
    this.#windows.set(key, window);
    if (this.#windows.size > maxKeys) this.#windows.delete(this.#windows.keys().next().value!);
    if (window.count >= this.#max) return window.end - now;
    window.count += cost;
    return 0;
  }

  /** Throws as `take` would, and counts nothing. */
  async peek(key: string): Promise<void> {
    const now = uptime();
    const window = this.#current(key, now);
    if (window) this.#refuseIfFull(window, now);
  }

  /** Takes back one `take`. In a new window there is nothing to take back. */
  async refund(key: string): Promise<void> {
    const window = this.#current(key, uptime());
    if (window && window.count > 0) window.count--;
  }

  #current(key: string, now: number): Window | undefined {
    const window = this.#windows.get(key);
    return window && now < window.end ? window : undefined;
  }

  #refuseIfFull({ count, end }: Window, now: number): void {
    if (count >= this.#max) throw tooManyRequests(this.#detail, end - now);
  }
}
