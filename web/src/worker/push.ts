/** Web push in the service worker: shows notices while no page is open, and opens the page on a tap. */
import type { PushMessage } from "../../../contracts/push-message.ts";
import { market } from "./market.ts";
import type { OpenView } from "./messages.ts";
import type { WorkerScope } from "./scope.ts";

export function handlePush(worker: WorkerScope): void {
  worker.addEventListener("push", (event) => event.waitUntil(show(worker, event.data)));

  worker.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(open(worker, pathOf(event.notification)));
  });

  // The market learns of the new subscription from the page, which is signed in: at its next visit, or now if it is open.
  worker.addEventListener("pushsubscriptionchange", (event) => {
    const { oldSubscription, newSubscription } = event;
    if (newSubscription || !oldSubscription) return;
    const { options } = oldSubscription;
    event.waitUntil(worker.registration.pushManager.subscribe(options).catch(() => {}));
  });
}

/** One notification for each notice, also after repeated pushes: `tag` is its id. Browsers require that every push shows one. */
async function show(worker: WorkerScope, data: { json(): unknown } | null): Promise<void> {
  const { id, title, body, path, language } = messageOf(data);
  await worker.registration.showNotification(title, {
    ...{ body, tag: id, lang: language, dir: "auto", data: { path } },
    icon: "/assets/icon.png",
  });
}

/** A newer market may send others; then the inbox has the notice. */
function messageOf(data: { json(): unknown } | null): PushMessage {
  const fallback = { id: "souk", title: market, body: "", path: "/shop/inbox", language: "" };
  try {
    const message = data?.json() as Partial<PushMessage> | null | undefined;
    return { ...fallback, ...message };
  } catch {
    return fallback;
  }
}

const pathOf = ({ data }: Notification) => (data as { path?: string } | null)?.path ?? "/";

/** Shows the view in an open page, the one that the user looked at last, or in a new one. */
async function open(worker: WorkerScope, path: string): Promise<void> {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => /^\/(shop(\/|$)|$)/.test(new URL(url).pathname));
  if (!page) return void (await worker.clients.openWindow(path));
  await page.focus().catch(() => {});
  page.postMessage({ open: path } satisfies OpenView);
}
