import type { Meter } from "../../broker/metrics/meter.ts";
import type { Notification } from "../../contracts/notifications.ts";
import { soldAtOf } from "../../domain/notice.ts";
import type { NoticePast } from "../../edge/sockets/measure.ts";
import type { Inbox } from "./inbox.ts";

/** Measures how late the notices of sales are stored. */
export function measureStored(inbox: Inbox, meter: Meter): void {
  if (!meter.isOn) return;
  inbox.onStored.push((notice) => {
    const soldAt = soldAtOf(notice);
    if (soldAt !== undefined)
      meter.observe("souk_sale_to_stored_seconds", (inbox.arrivals.now() - soldAt) / 1000);
  });
}

/** What came before a notice is emitted. */
export const pastOf = (
  { arrivals }: Inbox,
  { createdAt }: Notification,
  traceparent: string | undefined,
): NoticePast => ({ storedAgoMs: arrivals.now() - Date.parse(createdAt), traceparent });
