import Type, { type Static } from "typebox";
import { exactly, instant } from "../contracts/schema.ts";

/** How long a key stands for its first request (ms). */
const heldMs = 24 * 3_600_000;

/** The request that created a document, if it had an idempotency key. Both are hashes: of the key and its user, and of the request. */
export const Creation = exactly({
  key: Type.String(),
  request: Type.String(),
  /** `createdAt`, which the document may lose. */
  at: instant,
});
export type Creation = Static<typeof Creation>;

/** Creations before this instant no longer hold their keys. */
export const heldSince = (now: Date) => new Date(now.getTime() - heldMs).toISOString();
