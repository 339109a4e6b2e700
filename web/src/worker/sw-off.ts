/** Served as the service worker when SERVICE_WORKER is 0: it replaces the one that a browser has, and removes itself and what was kept. */
import type { WorkerScope } from "./scope.ts";

// The cast: see scope.ts.
const worker = globalThis as unknown as WorkerScope;

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(remove()));

async function remove(): Promise<void> {
  for (const name of await caches.keys())
    if (name.startsWith("souk.shell.")) await caches.delete(name);
  await worker.registration.unregister();
}
