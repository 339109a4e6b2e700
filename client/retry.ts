import { SoukError } from "./souk-error.ts";

/** How long to wait after so many failures (ms): at random up to a bound that doubles, so that those who failed together do not come back together. */
export const backoff = (failures: number, first: number, most: number) =>
  Math.random() * Math.min(most, first * 2 ** failures);

const mostAttempts = 4;
/** No attempt begins later than this after the first (ms): who is told to stay away for longer is told so, instead of waiting. */
const patience = 8_000;

/** Tries again while it may be in vain only for a moment. Only for what is safe to repeat. */
export async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  const began = Date.now();
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = failures + 1 < mostAttempts ? waitAfter(error, failures) : undefined;
      if (wait === undefined || Date.now() + wait > began + patience) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** Milliseconds; undefined when another attempt would be answered in the same way. */
function waitAfter(error: unknown, failures: number): number | undefined {
  if (!(error instanceof SoukError)) return;
  const { code, retryAfter } = error;
  const isPassing =
    code === "UNAVAILABLE" ||
    code === "TIMEOUT" ||
    (code === "TOO_MANY_REQUESTS" && retryAfter !== undefined);
  if (isPassing) return (retryAfter ?? 0) * 1000 + backoff(failures, 300, 3_000);
}
