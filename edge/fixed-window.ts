import type { RateLimit } from "./policy/limits.ts";
import { scaled } from "./rate-scale.ts";
import { tooManyRequests } from "./too-many-requests.ts";
import { uptime } from "./uptime.ts";

/** A fixed-window rate limiter for one owner, such as a socket: two small integers and no timer. */
export class FixedWindow {
  #count = 0;
  #end = 0;

  /** Counts one event, or as many as it costs. Throws TOO_MANY_REQUESTS with `retryAfter` in seconds when the window is full. */
  take({ max, seconds }: RateLimit, detail: string, cost = 1): void {
    const now = uptime();
    if (now >= this.#end) [this.#count, this.#end] = [0, now + seconds * 1000];
    if (this.#count >= scaled(max)) throw tooManyRequests(detail, this.#end - now);
    this.#count += cost;
  }
}
