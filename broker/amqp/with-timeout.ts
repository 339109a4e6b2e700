import { setTimeout as pause } from "node:timers/promises";

/** The result of `work`, or a rejection in one sentence after the time (ms). `who` is the subject of the sentence. */
export async function withTimeout(ms: number, who: string, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = pause(ms, null, { signal: timer.signal }).then(() => {
    throw new Error(`${who} did not answer within ${(ms / 1000).toFixed(1)} s.`);
  });
  late.catch(() => null);
  await Promise.race([work, late]).finally(() => timer.abort());
}
