/** The present time of the server, for all relative times of the page: one timer, while one of them is shown. */
import { ServerClock } from "./server-clock.ts";

const tickMs = 15_000;
const serverClock = new ServerClock();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Epoch milliseconds. */
export const now = () => serverClock.at(Date.now());

/** `fetch`, which also reads the server's time from each response. */
export async function timedFetch(url: string, init: RequestInit): Promise<Response> {
  const sentAt = Date.now();
  const response = await fetch(url, init);
  serverClock.learn(response.headers.get("date"), sentAt, Date.now());
  return response;
}

const tick = () => listeners.forEach((listener) => listener());
// Timers do not run while the device sleeps, and rarely in hidden tabs.
const tickIfVisible = () => document.hidden || tick();

/** Calls the listener when the texts of times may have changed. Returns a function that ends this. */
export function onTick(listener: () => void): () => void {
  if (listeners.size === 0) {
    timer = setInterval(tick, tickMs);
    addEventListener("visibilitychange", tickIfVisible);
    addEventListener("pageshow", tick);
    addEventListener("focus", tick);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    removeEventListener("visibilitychange", tickIfVisible);
    removeEventListener("pageshow", tick);
    removeEventListener("focus", tick);
  };
}
