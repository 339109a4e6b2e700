/**
 * The transactional outbox of a document: its messages to other services, by kind. They are written in the
 * same write as their cause, so that neither exists without the other. A relay (outbox/relay.ts) delivers them later.
 */
import Type, { type Static, type TOptional } from "typebox";
import type { ErrorCode } from "../contracts/errors.ts";
import { OutboxEntry } from "../contracts/outbox.ts";
import { exactly, id, instant } from "../contracts/schema.ts";

/** The lease on a document (ms): no other node delivers its entries before the lease ends. */
export const leaseMs = 15_000;
/** The holder of a lease starts its last call this long after the claim (ms): a call takes up to 5 s, and clocks differ. */
export const startWithinMs = 8_000;

const firstRetryMs = 500;
const maxRetryMs = 60_000;
const maxReasonLength = 500;
/** The longest lease and backoff together (ms): a due time later than this from now is of an entry that was scheduled, or of a wrong clock. */
const farMs = leaseMs + maxRetryMs;

const fields = {
  /** The earliest due time of the pending entries, or the end of the lease. Absent when no entry is pending. */
  dueAt: Type.Optional(instant),
  /** The current lease. Only its holder may mark entries. */
  claim: Type.Optional(id),
  /** Present while an entry is a dead letter: when the last one was refused. */
  refusedAt: Type.Optional(instant),
  /** Counts the writes that add entries. A mark matches only the version that it was made from. */
  version: Type.Integer({ minimum: 1 }),
};

/** The schema of the outbox of a document that sends messages of these kinds. */
export const outboxOf = <const Kind extends string>(...kinds: Kind[]) =>
  exactly({
    ...fields,
    // Object.fromEntries forgets the names of the keys.
    entries: exactly(
      Object.fromEntries(kinds.map((kind) => [kind, Type.Optional(OutboxEntry)])) as {
        [K in Kind]: TOptional<typeof OutboxEntry>;
      },
    ),
  });

export interface Outbox<Kind extends string = string> {
  dueAt?: string;
  claim?: string;
  refusedAt?: string;
  version: number;
  entries: Partial<Record<Kind, Static<typeof OutboxEntry>>>;
}

/** A stored document with an outbox. */
export interface Owner {
  _id: string;
  outbox?: Outbox;
}

/** The kinds of messages that the schema of a document declares. */
export type KindOf<Doc extends Owner> = keyof NonNullable<Doc["outbox"]>["entries"] & string;

/** Messages to enqueue: the kind of each, and when it is due. */
export type DueTimes<Kind extends string = string> = Partial<Record<Kind, Date>>;

/** How the delivery of one entry ended. A pending entry is tried again after `waitMs`. */
export type Outcome =
  | { state: "delivered" | "cancelled" }
  | { state: "refused"; reason: string }
  | { state: "pending"; waitMs: number; isAttempt: boolean };

const instantAfter = (now: Date, ms: number) => new Date(now.getTime() + ms).toISOString();

const pendingEntry = (dueAt: Date, now?: Date, traceparent?: string): OutboxEntry => ({
  state: "pending",
  attempts: 0,
  dueAt: dueAt.toISOString(),
  ...(now && dueAt.getTime() > now.getTime() + farMs && { scheduledAt: now.toISOString() }),
  ...(traceparent !== undefined && { traceparent }),
});

const pendingEntries = (due: DueTimes, now?: Date, traceparent?: string) =>
  Object.entries(due).map(
    ([kind, dueAt]) => [kind, pendingEntry(dueAt!, now, traceparent)] as const,
  );

/**
 * The outbox of a document that had none, written at `now`. With a lease, its writer delivers the due entries directly. With a
 * traceparent, deliveries belong to that trace.
 */
export function newOutbox<Kind extends string>(
  due: DueTimes<Kind>,
  lease?: { claim: string; now: Date },
  now = lease?.now,
  traceparent?: string,
): Outbox<Kind> {
  const entries = Object.fromEntries(
    pendingEntries(due, now, traceparent),
  ) as Outbox<Kind>["entries"];
  const claimed = lease && { dueAt: instantAfter(lease.now, leaseMs), claim: lease.claim };
  return { version: 1, ...summaryOf(entries), ...claimed, entries };
}

type Fields = Record<string, unknown>;

/** Adds entries to an update of a document that may have an outbox. It ends the current lease, whose holder does not know them. */
export function withEntries(
  update: Record<string, Fields>,
  due: DueTimes,
  now?: Date,
  traceparent?: string,
): Record<string, Fields> {
  const entries = pendingEntries(due, now, traceparent);
  const set = Object.fromEntries(entries.map(([kind, entry]) => [`outbox.entries.${kind}`, entry]));
  const { dueAt } = summaryOf(Object.fromEntries(entries));
  return {
    ...update,
    $set: { ...update.$set, ...set },
    $min: { ...update.$min, "outbox.dueAt": dueAt },
    $inc: { ...update.$inc, "outbox.version": 1 },
    $unset: { ...update.$unset, "outbox.claim": true },
  };
}

/** The outbox after a delivery, without its lease. Entries without an outcome stay as they are. */
export function afterDelivery(
  { version, entries: before }: Outbox,
  outcomes: Record<string, Outcome>,
  now: Date,
): Outbox {
  const entries = { ...before };
  for (const [kind, outcome] of Object.entries(outcomes))
    entries[kind] = entryAfter(before[kind]!, outcome, now);
  return { version, ...summaryOf(entries), entries };
}

function entryAfter(entry: OutboxEntry, outcome: Outcome, now: Date): OutboxEntry {
  const { attempts = 0, traceparent } = entry;
  const { state } = outcome;
  const trace = traceparent === undefined ? {} : { traceparent };
  if (state === "pending") {
    const { waitMs, isAttempt } = outcome;
    const dueAt = instantAfter(now, waitMs);
    return { state, attempts: attempts + Number(isAttempt), dueAt, ...trace };
  }
  if (state === "refused") {
    const reason = [...outcome.reason].slice(0, maxReasonLength).join("");
    return { state, attempts: attempts + 1, refusedAt: now.toISOString(), reason, ...trace };
  }
  return { state, attempts };
}

/** The values in the partial indexes: the earliest due time and the latest refusal. */
function summaryOf(entries: Outbox["entries"]): Pick<Outbox, "dueAt" | "refusedAt"> {
  const all = Object.values(entries);
  const dueAt = all.flatMap((entry) => (isPending(entry) ? [entry.dueAt ?? ""] : [])).sort()[0];
  const refusedAt = all
    .flatMap((entry) => entry?.refusedAt ?? [])
    .sort()
    .at(-1);
  return { ...(dueAt !== undefined && { dueAt }), ...(refusedAt !== undefined && { refusedAt }) };
}

const isPending = (entry?: OutboxEntry): entry is OutboxEntry => entry?.state === "pending";

export const isDue = (entry: OutboxEntry | undefined, now: Date) =>
  isPending(entry) && (entry.dueAt ?? "") <= now.toISOString();

/** Queries. `dueAt` and `refusedAt` are indexed and exist only while an entry is pending or refused. */
export const pending = { "outbox.dueAt": { $gt: "" } };
export const refused = { "outbox.refusedAt": { $gt: "" } };
export const due = (now: Date) => ({ "outbox.dueAt": { $lte: now.toISOString() } });
const isFar = (dueAt: string, now: Date) => dueAt > instantAfter(now, farMs);

/** Documents that are due later than any lease or backoff ends: their entries were scheduled, or a clock was wrong. */
export const farAhead = (now: Date) => ({ "outbox.dueAt": { $gt: instantAfter(now, farMs) } });

/**
 * The outbox without the due times of a wrong clock. Undefined when all of them are right. An entry that was scheduled in the future
 * keeps its wait, which begins now.
 */
export function straightened({ version, claim, entries: before }: Outbox, now: Date) {
  const entries: Outbox["entries"] = {};
  let isWrong = claim !== undefined;
  for (const [kind, entry] of Object.entries(before)) {
    const waitMs = entry && excessiveWaitMs(entry, now);
    isWrong ||= waitMs !== undefined;
    entries[kind] =
      waitMs === undefined
        ? entry
        : {
            ...entry!,
            ...pendingEntry(new Date(now.getTime() + waitMs), now),
            attempts: entry!.attempts,
          };
  }
  return isWrong ? { version, ...summaryOf(entries), entries } : undefined;
}

/** How long an entry should wait from now (ms), if it has the due time of a wrong clock. */
function excessiveWaitMs({ state, dueAt = "", scheduledAt }: OutboxEntry, now: Date) {
  if (state !== "pending" || !isFar(dueAt, now)) return undefined;
  if (scheduledAt === undefined) return 0;
  if (!isFar(scheduledAt, now)) return undefined;
  return Math.max(0, Date.parse(dueAt) - Date.parse(scheduledAt));
}

export const dueBetween = (after: Date, until: Date) => ({
  "outbox.dueAt": { $gt: after.toISOString(), $lte: until.toISOString() },
});
/** Documents with a due entry of one of these kinds. */
export const ofKinds = (kinds: string[], now: Date) => ({
  $or: kinds.map((kind) => ({ [`outbox.entries.${kind}.dueAt`]: { $lte: now.toISOString() } })),
});
/** Documents whose entry of this kind is in this state. */
export const inState = (kind: string, state: OutboxEntry["state"]) => ({
  [`outbox.entries.${kind}.state`]: state,
});

/** Documents with an entry of one of these kinds in this state. */
export const anyInState = (kinds: string[], state: OutboxEntry["state"]) => ({
  $and: [{ $or: kinds.map((kind) => inState(kind, state)) }],
});

/** The update that takes a lease. Nodes that claim the same document at once find another `dueAt`, all but one. */
export const claimed = (claim: string, now: Date) => ({
  $set: { "outbox.dueAt": instantAfter(now, leaseMs), "outbox.claim": claim },
});

/** The update that gives up a lease before it ends: what remains is due now. */
export const released = (now: Date) => ({
  $set: { "outbox.dueAt": now.toISOString() },
  $unset: { "outbox.claim": true },
});

/** Exponential backoff with full jitter, in ms, after failed attempts. `chance` is between 0 and 1. */
export const backoffMs = (attempts: number, chance: number) =>
  Math.round(chance * Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(attempts, 30)));

/** Why a delivery failed: `unavailable` is the receiver's fault, `refused` the message's for good, `failed` anything else. */
export type Failure = "unavailable" | "refused" | "failed";

export function failureOf(code: ErrorCode): Failure {
  if (code === "BAD_DATA") return "refused";
  return code === "UNAVAILABLE" || code === "TIMEOUT" || code === "TOO_MANY_REQUESTS"
    ? "unavailable"
    : "failed";
}
