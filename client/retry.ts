import { SoukError } from "./souk-error.ts";

/**
 * Exponential backoff with full jitter, in milliseconds: a random wait below a bound that doubles with each failure, from `first` to
 * `longest`. The jitter keeps clients that failed together from retrying together.
 */
export const backoff = (failures: number, first: number, longest: number) =>
  Math.random() * Math.min(longest, first * 2 ** failures);

const maxAttempts = 4;
/** The latest start of an attempt, in ms after the first. A longer Retry-After fails the call instead. */
const retryWithinMs = 8_000;

/** Repeats a call after temporary failures. Only for calls that are safe to repeat. */
export async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  const start = performance.now();
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = failures + 1 < maxAttempts ? retryDelay(error, failures) : undefined;
      if (wait === undefined || performance.now() + wait > start + retryWithinMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
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
