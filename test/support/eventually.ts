import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until `check` neither throws nor says false, and returns what it said; after `within` ms its last error is thrown. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 5000, every = 20 } = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      const said = await check();
      if (said !== false) return said;
      throw new Error(`not so within ${within} ms: ${check.toString()}`);
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await pause(every);
    }
  }
}
