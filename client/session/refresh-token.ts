/**
 * The stored form of a refresh token. A refresh token is exchanged for the next pair of tokens, once. Before it is sent,
 * an idempotency key is stored with it, as `token~key`: a client that lost the answer repeats the same refresh with the same key and gets the same pair.
 */
import type { Params } from "../request.ts";
import { newKey } from "../idempotency-key.ts";

/** The params of the refresh that the stored text begins or repeats. */
export function refreshParams(stored: string): Params<"users.refresh"> {
  const [refreshToken = "", idempotencyKey] = stored.split("~");
  return { refreshToken, idempotencyKey };
}

export const withIdempotencyKey = (stored: string) =>
  stored.includes("~") ? stored : `${stored}~${newKey()}`;

/** A refresh token begins with the ids of its user and its session. */
const sessionOf = (token: string) => token.split(".", 2).join(".");
export const isSameSession = (one: string, other: string) => sessionOf(one) === sessionOf(other);
