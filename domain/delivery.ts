/** A notice on its way to one target of one channel: a device, a mail address or a webhook. */
import Type, { type Static } from "typebox";
import { channelNames } from "../contracts/channels.ts";
import type { AccountMail, Delivery, WebhookDelivery } from "../contracts/deliveries.ts";
import type { Notification } from "../contracts/notifications.ts";
import { exactly, id, instant, text } from "../contracts/schema.ts";

/** `dropped`: it was no longer needed. `failed`: it was given up. */
export const deliveryStates = ["pending", "delivered", "dropped", "failed"] as const;

export const DeliveryDocument = exactly({
  /** Kind, user, notice and target: accepted again, it is the same delivery. */
  _id: Type.String({ minLength: 5, maxLength: 300 }),
  v: Type.Literal(1),
  kind: Type.Enum([...channelNames]),
  userId: id,
  /** The device or webhook. A user has one mail address. */
  targetId: Type.Optional(id),
  /** Deliveries of one lane share a server: they go one after the other, and one that hangs stops no other lane. */
  lane: text(1, 320),
  /** The id of the notice, or of the mail about the account. */
  noticeId: id,
  /** JSON text, which keeps any keys exactly. Absent for a mail about an account. */
  notice: Type.Optional(Type.String()),
  account: Type.Optional(Type.Enum(["verification"])),
  state: Type.Enum([...deliveryStates]),
  /** Failed attempts. */
  attempts: Type.Integer({ minimum: 0 }),
  createdAt: instant,
  /** While pending: not sent before, or the end of the lease. */
  dueAt: Type.Optional(instant),
  /** The current lease. */
  claim: Type.Optional(id),
  /** It waits for the lane's server, and is due when that answers again. */
  isHeld: Type.Optional(Type.Boolean()),
  finishedAt: Type.Optional(instant),
  /** Why the last attempt failed, or why it was dropped. */
  reason: Type.Optional(Type.String({ maxLength: 300 })),
});
export type DeliveryDocument = Static<typeof DeliveryDocument>;

/** A target of a new delivery, and its lane. */
interface Place {
  id?: string | undefined;
  lane: string;
}

/** When a new delivery is due. With a claim its writer sends it; held, it waits for the lane's server. */
export interface Admission {
  now: Date;
  dueAt: Date;
  claim?: string;
  isHeld?: boolean;
}

export const deliveryKey = (...parts: (string | undefined)[]) =>
  parts.filter((part) => part).join(".");

const waiting = ({ now, dueAt, claim, isHeld }: Admission) => ({
  v: 1 as const,
  state: "pending" as const,
  attempts: 0,
  createdAt: now.toISOString(),
  dueAt: dueAt.toISOString(),
  ...(claim !== undefined && { claim }),
  ...(isHeld && { isHeld }),
});

export const newDelivery = (
  { kind, userId, notice }: Delivery,
  { id: targetId, lane }: Place,
  admission: Admission,
): DeliveryDocument => ({
  _id: deliveryKey(kind, userId, notice.id, targetId),
  ...{ kind, userId, lane, noticeId: notice.id, notice: JSON.stringify(notice) },
  ...(targetId !== undefined && { targetId }),
  ...waiting(admission),
});

export const newAccountMail = (
  { id: noticeId, userId, kind: account }: AccountMail,
  lane: string,
  admission: Admission,
): DeliveryDocument => ({
  _id: deliveryKey("mail", userId, noticeId, account),
  kind: "mail",
  ...{ userId, lane, noticeId, account },
  ...waiting(admission),
});

/** A delivery to a webhook as its owner sees it. */
export const toWebhookDelivery = (delivery: DeliveryDocument): WebhookDelivery => ({
  id: delivery.noticeId,
  type: noticeOf(delivery)?.type ?? "notice",
  state: delivery.state,
  attempts: delivery.attempts,
  createdAt: delivery.createdAt,
  nextAttemptAt: delivery.dueAt ?? null,
  finishedAt: delivery.finishedAt ?? null,
  reason: delivery.reason ?? null,
});

/** The order of the list of a webhook's deliveries. */
export const newestFirst = { field: "createdAt", direction: -1 } as const;

export const noticeOf = ({ notice }: DeliveryDocument): Notification | undefined =>
  notice === undefined ? undefined : (JSON.parse(notice) as Notification);

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

/** The waits of a webhook after each failed attempt (ms). After the last one it is disabled. */
export const webhookWaits = [
  ...[5 * second, 5 * minute, 30 * minute],
  ...[2 * hour, 5 * hour, 10 * hour, 10 * hour],
];
/** Pushes and mails are given up at this age (ms). */
export const maxAgeMs = 4 * 24 * hour;
const maxWaitMs = 10 * minute;

/** The wait before the next attempt (ms), after `attempts` failed ones. Undefined: it is given up. */
export function waitAfter(
  { kind, attempts, createdAt }: Pick<DeliveryDocument, "kind" | "attempts" | "createdAt">,
  now: Date,
): number | undefined {
  if (kind === "webhook") return webhookWaits[attempts - 1];
  if (now.getTime() - Date.parse(createdAt) > maxAgeMs) return undefined;
  return Math.min(maxWaitMs, 5 * second * 2 ** Math.min(attempts - 1, 20));
}

/** Consecutive failures after which a lane pauses: its server is down. */
const failuresToPause = 3;

/** How long a lane pauses after that many consecutive failures (ms). */
export const pauseAfter = (failures: number) =>
  failures < failuresToPause
    ? 0
    : Math.min(5 * minute, 10 * second * 2 ** Math.min(failures - failuresToPause, 10));
