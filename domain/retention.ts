/** What stored data nobody needs any more, and the updates that remove it. */
import type { AccountDocument } from "./account.ts";
import { heldSince } from "./creation.ts";
import type { NoticeDocument } from "./notice.ts";
import { expiredSessions } from "./sessions.ts";

const dayMs = 24 * 3_600_000;

/** The instant `days` before now. */
export const daysBefore = (now: Date, days: number) =>
  new Date(now.getTime() - days * dayMs).toISOString();

/**
 * The condition of notices that may be removed: read, without the mark of other ones, and with nothing in their outbox that is still
 * to be sent or to be decided by an operator.
 */
export const removable = {
  isRead: true,
  readUntil: null,
  "outbox.dueAt": null,
  "outbox.refusedAt": null,
};

/** Whether a notice was read, and first shown before an instant. One that was never shown counts from its creation. */
export const isReadBefore = ({ isRead, shownAt, createdAt }: NoticeDocument, before: string) =>
  isRead && (shownAt ?? createdAt) < before;

/**
 * The conditional update that removes from an account the sessions that expired more than a day ago, the ended ones whose access
 * tokens did, and the idempotency key of its registration when it holds no longer. Undefined when there are none. It changes nothing when one of these sessions was changed since.
 */
export function withoutExpired(account: AccountDocument, now: Date) {
  const { _id, sessions, ended, endedUntil = "" } = account;
  const past = daysBefore(now, 1);
  const sids = expiredSessions(sessions, now);
  const over = Object.entries(ended).filter(([, until]) => until < past);
  const isKeyUsed = account.creation !== undefined && account.creation.at <= heldSince(now);
  if (sids.length + over.length === 0 && !isKeyUsed) return undefined;
  const fields = [
    ...sids.map((sid) => `sessions.${sid}`),
    ...over.map(([sid]) => `ended.${sid}`),
    ...(endedUntil && endedUntil < past ? ["endedUntil"] : []),
    ...(isKeyUsed ? ["creation"] : []),
  ];
  const unchanged = sids.map((sid) => [`sessions.${sid}.expiresAt`, sessions[sid]!.expiresAt]);
  return {
    query: {
      _id,
      ...Object.fromEntries(unchanged),
      endedUntil: account.endedUntil ?? null,
    },
    update: { $unset: Object.fromEntries(fields.map((field) => [field, true])) },
    count: sids.length,
  };
}
