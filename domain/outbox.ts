import type { Debt } from "../contracts/outbox.ts";
import type { ErrorCode } from "../contracts/errors.ts";

/** How long whoever claims a debt has to pay it before another may try (ms). */
export const leaseMs = 15_000;
/** Who holds a lease begins no call later than this (ms): the call may take 5 s, and a clock may be a little off. */
export const beginWithinMs = 8_000;

const firstWaitMs = 500;
const longestWaitMs = 60_000;

/** Exponential backoff with full jitter, after so many attempts in vain: `chance` is from 0 to 1. */
export const waitMs = (attempts: number, chance: number) =>
  Math.round(chance * Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempts, 30)));

/** While nobody takes notices one debt in turn asks, this often, whether that is over: no longer, for all others wait for it. */
export const outageWaitMs = (chance: number) => waitMs(0, chance);

/** `away`: nobody took it, which may be no fault of the debt's. `refused`: it will never be taken as it is. */
export type Outcome = "told" | "away" | "refused" | "failed";

/** What an attempt came to that ended with this code. */
export const outcomeOf = (code: ErrorCode): Outcome => {
  if (code === "BAD_DATA") return "refused";
  return code === "UNAVAILABLE" || code === "TIMEOUT" || code === "TOO_MANY_REQUESTS"
    ? "away"
    : "failed";
};

const later = (now: Date, ms: number) => new Date(now.getTime() + ms).toISOString();

/** The debt as it is written with what happened. Whoever writes it pays it at once and holds the first lease, or leaves it to the relay. */
export const newDebt = (now: Date, isPaidAtOnce = true): Debt => ({
  state: "pending",
  attempts: 0,
  dueAt: later(now, isPaidAtOnce ? leaseMs : 0),
});

/** Somebody holds the lease. */
export const isLeased = ({ dueAt }: Debt, now: Date) =>
  dueAt !== undefined && dueAt > now.toISOString();

/** Fields of the debts that are pending: they alone have a `dueAt`. */
export const pending = { "notice.dueAt": { $gt: "" } };
/** Of those that are due. */
export const due = (now: Date) => ({ "notice.dueAt": { $lte: now.toISOString() } });
/** Of those that came due after one instant and until another. */
export const dueBetween = (after: Date, until: Date) => ({
  "notice.dueAt": { $gt: after.toISOString(), $lte: until.toISOString() },
});
/** Of those that were refused. */
export const setAside = { "notice.refusedAt": { $gt: "" } };

/** One who claims holds the lease; the others find another `dueAt`. */
export const claimed = (claim: string, now: Date) => ({
  $set: { "notice.dueAt": later(now, leaseMs), "notice.claim": claim },
});

const settled = { "notice.dueAt": true, "notice.claim": true };

export const told = { $set: { "notice.state": "told" }, $unset: settled };

/** It was not tried: due again at once. */
export const released = (now: Date) => ({
  $set: { "notice.dueAt": now.toISOString() },
  $unset: { "notice.claim": true },
});

/** It was tried in vain: due again after a wait. */
export const postponed = (wait: number, now: Date) => ({
  $set: { "notice.dueAt": later(now, wait) },
  $unset: { "notice.claim": true },
  $inc: { "notice.attempts": 1 },
});

export const refused = (reason: string, now: Date) => ({
  $set: {
    "notice.state": "refused",
    "notice.refusedAt": now.toISOString(),
    "notice.reason": reason.slice(0, 500),
  },
  $unset: settled,
  $inc: { "notice.attempts": 1 },
});

export const replayed = (now: Date) => ({
  $set: { "notice.state": "pending", "notice.attempts": 0, "notice.dueAt": now.toISOString() },
  $unset: { "notice.refusedAt": true, "notice.reason": true },
});
