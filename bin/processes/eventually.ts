import { setTimeout as pause } from "node:timers/promises";

/**
 * Polls `check` until it neither throws nor returns false, and returns its result. After `within` ms it
 * throws the last error. `every` is the pause between two attempts (ms).
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 30_000, every = 20 } = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      const result = await check();
      if (result !== false) return result;
      throw new Error(`Still false after ${within} ms: ${check.toString()}`);
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await pause(every);
    }
  }
}
