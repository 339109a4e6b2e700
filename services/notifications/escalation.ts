import { toNotification } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import type { DueTimes } from "../../domain/outbox.ts";
import type { Channels } from "../../domain/recipient.ts";
import type { Kind } from "../../outbox/kind.ts";

/** A notice that no device has shown for this long is pushed (ms)… */
const pushAfterMs = 30_000;
/** …and one that was neither shown nor read for this long is sent by mail (ms). */
const mailAfterMs = 10 * 60_000;

/** When the messages of a new notice are due: by each channel that its user has. */
export const dueTimes = (
  { push, mail, webhook }: Channels,
  now: Date,
): DueTimes<keyof Channels> => ({
  ...(push && { push: new Date(now.getTime() + pushAfterMs) }),
  ...(mail && { mail: new Date(now.getTime() + mailAfterMs) }),
  ...(webhook && { webhook: now }),
});

const kind = (name: keyof Channels) =>
  ({
    action: "deliveries.accept",
    message: (notice) => ({ kind: name, userId: notice.userId, notice: toNotification(notice) }),
    batch: { action: "deliveries.acceptAll", params: (deliveries) => ({ deliveries }) },
  }) satisfies Kind<NoticeDocument>;

/** A notice that its user has seen needs no push and no mail. */
interface Service {
  wasSeen(notice: NoticeDocument): Promise<boolean>;
}
const isCancelled = (notice: NoticeDocument, service: object) =>
  // The cast: a kind is declared before the service that it is part of.
  (service as Service).wasSeen(notice);

/** The messages of a notice to deliveries. Webhooks get every notice. */
export const escalation = {
  push: { ...kind("push"), isCancelled },
  mail: { ...kind("mail"), isCancelled },
  webhook: kind("webhook"),
};
