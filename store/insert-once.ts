/** Creating writes that a client may repeat, by their idempotency keys (decision 027). */
import { hash } from "node:crypto";
import { refusal } from "../broker/refusal.ts";
import { heldSince, type Creation } from "../domain/creation.ts";
import { stepSize, type Sweep } from "./retention.ts";
import { DuplicateKey, type Index, type Store } from "./store.ts";

/** The path of the hashed key. */
const keyPath = "creation.key";
/** A collection whose documents are made by insertOnce has this index: the insert itself claims the key. */
export const creationIndex: Index = { fields: [keyPath], unique: true, sparse: true };

/** How often an insert is tried while other requests claim and release its key. */
const maxTries = 5;

/** A request that creates a document: its user, and all its params. */
export interface CreatingRequest {
  userId: string;
  params: { idempotencyKey?: string | undefined };
}

interface Created {
  _id: string;
  createdAt: string;
  creation?: Creation;
}

/**
 * Inserts a document, once for all requests of a user that have one idempotency key, for 24 hours. Returns the inserted document, or that
 * of the first request as it is now. Throws IDEMPOTENCY_KEY_REUSED when the first request was another one.
 */
export async function insertOnce<Doc extends Created>(
  store: Store<Doc>,
  doc: Doc,
  request: CreatingRequest,
): Promise<Doc> {
  const creation = creationOf(request, doc.createdAt);
  if (!creation) return store.insert(doc);
  for (let tries = 0; tries < maxTries; tries++) {
    const inserted = await insertUnlessClaimed(store, { ...doc, creation });
    if (inserted) return inserted;
    // The write changes nothing. It reads the last acknowledged state, and waits until the first insert is durable.
    const claim = { [keyPath]: creation.key };
    const first = await store.change(claim, { $set: claim });
    if (first?.creation && isHeld(first.creation, store.now()))
      return sameRequest(first, creation.request);
    if (first) await release(store, first);
  }
  throw refusal("UNAVAILABLE", "Other requests with this key are under way.");
}

/** Removes the keys of requests that no longer hold them. It reads the index of the keys in its order. */
export const usedKeys = <Doc extends Created>(store: Store<Doc>): Sweep => ({
  what: "idempotency keys",
  async next(cursor = "", now) {
    const page = { sort: { [keyPath]: 1 } as const, limit: stepSize };
    const rows = await store.find({ [keyPath]: { $gt: cursor } }, page);
    const used = rows.filter(({ creation }) => !isHeld(creation!, now));
    const removed = await Promise.all(used.map((doc) => release(store, doc)));
    return {
      removed: removed.filter(Boolean).length,
      cursor: rows.length < stepSize ? null : rows.at(-1)!.creation!.key,
    };
  },
});

/** Undefined for a request without a key. */
export function creationOf(
  { userId, params: { idempotencyKey, ...rest } }: CreatingRequest,
  at: string,
): Creation | undefined {
  if (idempotencyKey === undefined) return undefined;
  return {
    key: digest([userId, idempotencyKey]),
    request: digest(rest),
    at,
  };
}

/** Whether a creation still holds its key. */
export const isHeld = ({ at }: Creation, now: Date) => at > heldSince(now);

export const keyReused = () =>
  refusal("IDEMPOTENCY_KEY_REUSED", "Another request was made with this Idempotency-Key.");

async function insertUnlessClaimed<Doc extends { _id: string }>(store: Store<Doc>, doc: Doc) {
  try {
    return await store.insert(doc);
  } catch (error) {
    if (error instanceof DuplicateKey && error.field === keyPath) return undefined;
    throw error;
  }
}

function sameRequest<Doc extends Created>(first: Doc, request: string): Doc {
  if (first.creation?.request !== request) throw keyReused();
  return first;
}

/** Of several requests that find the key expired, each may release it, and one insert claims it again. */
const release = <Doc extends Created>(store: Store<Doc>, { _id, creation }: Doc) =>
  store.change(
    { _id, [keyPath]: creation?.key, "creation.at": creation?.at },
    { $unset: { creation: true } },
  );

/** Hashes JSON, whatever the order of its fields; 144 bits in 24 characters. */
const digest = (value: unknown) =>
  hash("sha256", JSON.stringify(sorted(value)), "base64url").slice(0, 24);

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, one]) => [name, sorted(one)] as const);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
