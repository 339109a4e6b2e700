/** Served as the service worker when SERVICE_WORKER is 0: it replaces the one that a browser has, and removes itself and what was kept. */
export {};

// The cast: the types of the DOM do not know service workers.
const worker = globalThis as unknown as {
  addEventListener(
    type: string,
    on: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
};

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(remove()));

async function remove(): Promise<void> {
  for (const name of await caches.keys())
    if (name.startsWith("souk.shell.")) await caches.delete(name);
  await worker.registration.unregister();
}
