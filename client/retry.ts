import { wait } from "./abort.ts";
import { SoukError } from "./souk-error.ts";

/**
 * Exponential backoff with full jitter, in milliseconds: a random wait below a bound that doubles with each failure, from `first` to
 * `longest`. The jitter keeps clients that failed together from retrying together.
 */
export const backoff = (failures: number, first: number, longest: number) =>
  Math.random() * Math.min(longest, first * 2 ** failures);

const maxAttempts = 4;

export interface RetryOptions {
  /** The latest start of an attempt, in ms after the first: 8,000 by default. A longer Retry-After fails the call instead. */
  withinMs?: number | undefined;
  /** When it is aborted, no further attempt is made, and no timer is left. */
  signal?: AbortSignal | undefined;
}

/** Repeats a call after temporary failures. Only for calls that are safe to repeat. An attempt gets the number of failures before it. */
export async function retry<T>(
  attempt: (failures: number) => Promise<T>,
  { withinMs = 8_000, signal }: RetryOptions = {},
): Promise<T> {
  const start = performance.now();
  for (let failures = 0; ; failures++) {
    try {
      return await attempt(failures);
    } catch (error) {
      const delay = failures + 1 < maxAttempts ? retryDelay(error, failures) : undefined;
      if (delay === undefined || performance.now() + delay > start + withinMs) throw error;
      await wait(delay, signal);
      signal?.throwIfAborted();
    }
  }
}

/** In milliseconds; undefined when the failure is permanent. */
function retryDelay(error: unknown, failures: number): number | undefined {
  if (!(error instanceof SoukError)) return;
  const { code, retryAfter } = error;
  const isTemporary =
    code === "UNAVAILABLE" ||
    code === "TIMEOUT" ||
    (code === "TOO_MANY_REQUESTS" && retryAfter !== undefined);
  if (isTemporary) return (retryAfter ?? 0) * 1000 + backoff(failures, 300, 3_000);
}
