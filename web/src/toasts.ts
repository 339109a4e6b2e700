/** Short messages about new notices, which disappear after a while. */
import type { Notification } from "../../client/index.ts";
import { alert } from "./alerts.ts";
import { patch } from "./item-cache.ts";
import { formatPrice } from "./prices.ts";
import { inbox } from "./souk.ts";
import { state } from "./state.ts";
import { t } from "./texts.ts";

export interface Toast {
  id: string;
  title: string;
  detail: string;
}

export const toasts = state<readonly Toast[]>([]);
const maxToasts = 3;
const toastMs = 9_000;
const timers = new Map<string, ReturnType<typeof setTimeout>>();

export function dismiss(id: string): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

const dismissLater = (id: string) =>
  timers.set(
    id,
    setTimeout(() => dismiss(id), toastMs),
  );

/** Keeps toasts on the screen while the visitor points at them or focuses them. */
export function setPaused(isPaused: boolean): void {
  for (const { id } of toasts.get()) {
    clearTimeout(timers.get(id));
    if (!isPaused) dismissLater(id);
  }
}

function toToast(notice: Notification): Toast {
  const { id, text, type, data } = notice;
  if (type !== "sale") return { id, title: text, detail: "" };
  return { id, title: data.title, detail: t.inbox.soldFor(formatPrice(data.price, data.currency)) };
}

inbox.onNotification((notice) => {
  if (notice.type === "sale") patch(notice.data.itemId, { isSold: true });
  const toast = toToast(notice);
  for (const { id } of toasts.get().slice(maxToasts - 1)) dismiss(id);
  toasts.set([toast, ...toasts.get()]);
  dismissLater(toast.id);
  void alert(toast);
});

// Dismisses toasts whose notices were read, here or in another tab.
inbox.subscribe(({ notifications, unread }) => {
  const unreadIds = new Set(notifications.map(({ id }) => id));
  for (const { id } of toasts.get())
    if (unread === 0 || (notifications.length > 0 && !unreadIds.has(id))) dismiss(id);
});
