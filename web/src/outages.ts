/** The parts of the market that are unavailable. The health is polled with backoff, and only from a failure until the recovery. */
import { useEffect } from "preact/hooks";
import { isUnavailable } from "./error-messages.ts";
import { inbox, souk } from "./souk.ts";
import { state } from "./state.ts";

/** `server`: nothing answers. */
export type Part = "server" | "market" | "users" | "notifications";

export interface Outages {
  unavailable: readonly Part[];
  /** Counts recoveries. After each, calls that failed are worth repeating. */
  recoveries: number;
}

export const outages = state<Outages>({ unavailable: [], recoveries: 0 });

/** The bounds of the polling interval. */
const [shortestMs, longestMs] = [500, 5_000];
/** The time without a failure after which polling starts with the shortest interval again. Without it, a call that always fails would poll fast. */
const calmMs = 20_000;
let interval = shortestMs;
let pollTimer: ReturnType<typeof setTimeout> | undefined;
let calmTimer: ReturnType<typeof setTimeout> | undefined;

/** Starts polling, after a call that failed because something is unavailable. */
export function reportFailure(): void {
  clearTimeout(calmTimer);
  pollTimer ??= setTimeout(poll, interval * (0.8 + Math.random() * 0.4));
}

async function poll(): Promise<void> {
  const unavailable = await unavailableParts();
  pollTimer = undefined;
  interval = Math.min(interval * 1.6, longestMs);
  const { recoveries } = outages.get();
  outages.set({ unavailable, recoveries: unavailable.length > 0 ? recoveries : recoveries + 1 });
  if (unavailable.length > 0) return reportFailure();
  calmTimer = setTimeout(() => (interval = shortestMs), calmMs);
}

async function unavailableParts(): Promise<Part[]> {
  try {
    const { services } = await souk.health();
    return (["market", "users", "notifications"] as const).filter(
      (part) => services[part] !== "up",
    );
  } catch {
    return ["server"];
  }
}

/** Polls at once when the network or the visitor is back. */
function pollNow(): void {
  if (pollTimer === undefined) return;
  clearTimeout(pollTimer);
  interval = shortestMs;
  pollTimer = setTimeout(poll, 50);
}

addEventListener("online", pollNow);
addEventListener("offline", reportFailure);
document.addEventListener("visibilitychange", () => document.hidden || pollNow());
inbox.subscribe(({ connection }) => connection === "paused" && reportFailure());

/** Retries after the next recovery, if the error was an outage. */
export function useRecovery(error: unknown, retry: () => void): void {
  useEffect(() => {
    if (error === undefined || !isUnavailable(error)) return;
    const { recoveries } = outages.get();
    return outages.subscribe((now) => now.recoveries > recoveries && retry());
  }, [error, retry]);
}
