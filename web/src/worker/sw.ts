/**
 * The service worker. It shows pushed notices (push.ts), and keeps the page's own files, so that the page also opens without a network. It keeps nothing of
 * users: no answers of the API, and no pictures of items. docs/decisions/030 says how it is updated and switched off.
 */
import { handlePush } from "./push.ts";
import type { FetchEvent, WorkerScope } from "./scope.ts";

/** Inserted by the build (web/worker-build.ts): the page's script, and all files that the page needs before it asks the API. */
declare const __SHELL__: { script: string; files: string[] };

// The cast: see scope.ts.
const worker = globalThis as unknown as WorkerScope;

const shell = __SHELL__;
const prefix = "souk.shell.";
const cacheName = prefix + shell.script;
/** The server's headers say that a file depends on the request's; these files do not. */
const stored = { cacheName, ignoreVary: true };

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate") event.respondWith(document(event, pathname));
  else if (shell.files.includes(pathname)) event.respondWith(file(event.request));
});

handlePush(worker);

async function install(): Promise<void> {
  const page = await fetch("/", { cache: "reload", credentials: "omit" });
  const html = await page.clone().text();
  // During a deployment, another server may answer with another version. The browser tries again at the next visit.
  if (!page.ok || !html.includes(shell.script))
    throw new Error("The page is of another version than its service worker.");
  const cache = await caches.open(cacheName);
  await cache.addAll(shell.files);
  await cache.put("/", page);
  // Open tabs have loaded all of their files, and this worker answers them as the former one did.
  await worker.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys())
    if (name.startsWith(prefix) && name !== cacheName) await caches.delete(name);
  await worker.registration.navigationPreload?.enable();
  await worker.clients.claim();
}

/** From the network. Without an answer of the market, a view is the stored page, which shows what is wrong and reconnects. */
async function document(event: FetchEvent, path: string): Promise<Response> {
  const answer = await answerTo(event).catch(() => undefined);
  // A proxy answers these while the market does not.
  if (answer && ![502, 503, 504].includes(answer.status)) return answer;
  const isView = /^\/(shop(\/|$)|$)/.test(path);
  const page = isView && (await caches.match("/", stored).catch(() => undefined));
  return page || answer || Response.error();
}

const answerTo = async ({ preloadResponse, request }: FetchEvent) =>
  (await preloadResponse) ?? (await fetch(request));

/** These files never change: their names have a hash. */
const file = async (request: Request) =>
  (await caches.match(request, stored).catch(() => undefined)) ?? (await fetch(request));
