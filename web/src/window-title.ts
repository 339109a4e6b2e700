/** The window's title, with the number of unread notices, which installed pages also show on their icon. */
import { inbox } from "./souk.ts";
import { t } from "./texts.ts";

let title = document.title;
let unread = 0;

function show(): void {
  document.title = unread > 0 ? t.frame.windowTitleUnread(unread, title) : title;
}

export function setWindowTitle(next: string): void {
  title = next;
  show();
}

inbox.subscribe((now) => {
  const before = unread;
  unread = now.unread ?? 0;
  if (unread === before) return;
  show();
  // Browsers without icons for pages, and pages that are not installed, have nothing to show it on.
  void navigator.setAppBadge?.(unread).catch(() => {});
});
