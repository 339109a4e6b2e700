import { accessTokenSeconds, type EndedSession } from "../contracts/users.ts";
import type { AccountDocument } from "./account.ts";

/** A session lives this long after its last refresh. */
const sessionMs = 30 * 24 * 3_600_000;
/** So long a refresh may be asked for again: as long as an access token lives, so that who copied one gains no more than with the other. */
const repeatMs = accessTokenSeconds * 1_000;
/** So many devices stay signed in; one more signs the oldest out. */
const maxSessions = 20;

type Sessions = AccountDocument["sessions"];
/** Hashes of a refresh token's two secrets: the family's, the same for the whole session, and the token's own. */
export interface Hashes {
  family: string;
  token: string;
}

/** A refresh token says whose it is and which session's; both secrets are random. */
export const refreshToken = (userId: string, sid: string, family: string, token: string) =>
  [userId, sid, family, token].join(".");

export function parseRefreshToken(value: string) {
  const [userId = "", sid = "", family = "", token = ""] = value.split(".");
  return { userId, sid, family, token };
}

/** Whether a refresh token is of this session, good or spent: who knows its family has seen a token of it. */
export const isOf = (session: Sessions[string] | undefined, { family }: Hashes, now: Date) =>
  session?.family === family && session.expiresAt > now.toISOString();

export const session = ({ family, token }: Hashes, now: Date): Sessions[string] => ({
  family,
  token,
  startedAt: now.toISOString(),
  expiresAt: expiry(now),
});

export const expiry = (now: Date) => new Date(now.getTime() + sessionMs).toISOString();

/** Whoever was refreshed after this may be answered once more: what `expiresAt` must be beyond, as a repeat does not prolong. */
export const repeatable = (now: Date) => expiry(new Date(now.getTime() - repeatMs));

/** The sessions that must go before another can begin: expired ones, and the oldest of too many. */
export function outlived(sessions: Sessions, now: Date): string[] {
  const oldestFirst = Object.entries(sessions).sort(([, a], [, b]) =>
    a.startedAt.localeCompare(b.startedAt),
  );
  const live = oldestFirst.filter(([, { expiresAt }]) => expiresAt > now.toISOString());
  const expired = oldestFirst.filter((entry) => !live.includes(entry));
  return [...expired, ...live.slice(0, Math.max(0, live.length + 1 - maxSessions))].map(
    ([sid]) => sid,
  );
}

/** The sessions of an account that were ended and might still be shown a token of. */
export const endedOf = ({ _id: userId, ended }: AccountDocument, now: Date): EndedSession[] =>
  Object.entries(ended)
    .filter(([, until]) => until > now.toISOString())
    .map(([sid, until]) => ({ sid, userId, until }));

/** The fields of an account to set and to unset when sessions end: their tokens are refused until `until`, and what is past is forgotten. */
export function ending(account: AccountDocument, sids: string[], until: string, now: Date) {
  const past = Object.keys(account.ended).filter((sid) => account.ended[sid]! <= now.toISOString());
  const set =
    sids.length > 0
      ? { ...Object.fromEntries(sids.map((sid) => [`ended.${sid}`, until])), endedUntil: until }
      : {};
  return {
    set,
    unset: [...past.map((sid) => `ended.${sid}`), ...sids.map((sid) => `sessions.${sid}`)],
  };
}
