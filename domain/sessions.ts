import { accessTokenSeconds, type EndedSession } from "../contracts/users.ts";
import type { AccountDocument } from "./account.ts";

/** A session lives this long after its last refresh. */
const sessionMs = 30 * 24 * 3_600_000;
/** However often it is refreshed, a session ends this long after its sign-in. */
const longestSessionMs = 90 * 24 * 3_600_000;
/** A refresh can be repeated for as long as an access token lives, so a copied request is worth no more than a copied token. */
const repeatMs = accessTokenSeconds * 1_000;
/** A sign-in beyond this number ends the least recently used session. */
const maxSessions = 20;
/** Expired sessions are removed this much later: they may be valid by a right clock. */
const expiredKeptMs = 24 * 3_600_000;
/** As many ended sessions are kept, although they have expired by this clock. */
const endedKept = 20;

type Sessions = AccountDocument["sessions"];
/** Hashes of the two secrets of a refresh token: the family's is constant for the session, the token's is new each time. */
export interface Hashes {
  family: string;
  token: string;
}

/** A refresh token names its user and its session; both secrets are random. */
export const refreshToken = (userId: string, sid: string, family: string, token: string) =>
  [userId, sid, family, token].join(".");

export function parseRefreshToken(value: string) {
  const [userId = "", sid = "", family = "", token = ""] = value.split(".");
  return { userId, sid, family, token };
}

/** Whether a refresh token belongs to this session, valid or spent: only its holders know the family. */
export const matchesFamily = (
  session: Sessions[string] | undefined,
  { family }: Hashes,
  now: Date,
) =>
  session?.family === family &&
  session.expiresAt > now.toISOString() &&
  Date.parse(session.startedAt) + longestSessionMs > now.getTime();

export const newSession = ({ family, token }: Hashes, now: Date): Sessions[string] => ({
  family,
  token,
  startedAt: now.toISOString(),
  expiresAt: sessionExpiry(now),
});

export const sessionExpiry = (now: Date) => new Date(now.getTime() + sessionMs).toISOString();

/** A session whose `expiresAt` is later than this was refreshed recently enough to repeat the refresh. A repeat does not prolong it. */
export const repeatableAfter = (now: Date) => sessionExpiry(new Date(now.getTime() - repeatMs));

/** The ids of the sessions that a sign-in ends: expired ones, and the least recently used beyond the maximum. */
export function sessionsToEnd(sessions: Sessions, now: Date): string[] {
  const least = Object.entries(sessions).sort(
    ([, a], [, b]) => evidence(a, now) - evidence(b, now) || lastUse(a) - lastUse(b),
  );
  const live = least.filter(([, session]) => isLive(session, now)).map(([sid]) => sid);
  return [
    ...expiredSessions(sessions, now),
    ...live.slice(0, Math.max(0, live.length + 1 - maxSessions)),
  ];
}

/** The ids of the sessions that expired more than a day ago. */
export const expiredSessions = (sessions: Sessions, now: Date): string[] =>
  Object.keys(sessions).filter((sid) => !isLive(sessions[sid]!, now));

function isLive({ startedAt, expiresAt }: Sessions[string], now: Date): boolean {
  const past = now.getTime() - expiredKeptMs;
  return Date.parse(expiresAt) > past && Date.parse(startedAt) + longestSessionMs > past;
}

/** The sign-in or the last refresh (ms since 1970): a constant time before the session's expiry. */
const lastUse = ({ expiresAt }: Sessions[string]) => Date.parse(expiresAt) - sessionMs;

/**
 * How likely a session is used now. Calls are not recorded, and a client refreshes only when its access token is about to expire. So a
 * device that refreshed ten minutes ago comes after a script that has just signed in and will not refresh.
 */
function evidence(session: Sessions[string], now: Date): 0 | 1 | 2 {
  if (lastUse(session) <= now.getTime() - accessTokenSeconds * 1_000) return 0;
  return lastUse(session) > Date.parse(session.startedAt) ? 2 : 1;
}

/** The ended sessions of an account whose access tokens have not expired yet. */
export const endedSessions = ({ _id: userId, ended }: AccountDocument, now: Date): EndedSession[] =>
  Object.entries(ended)
    .filter(([, until]) => until > now.toISOString())
    .map(([sid, until]) => ({ sid, userId, until }));

/** When the last access token of these sessions expires. */
export function tokensExpireAt({ sessions }: AccountDocument, sids: string[], now: Date): string {
  const issuedAt = sids.flatMap((sid) => (sessions[sid] ? [lastUse(sessions[sid])] : []));
  const last = Math.max(now.getTime(), ...issuedAt);
  return new Date(last + accessTokenSeconds * 1_000).toISOString();
}

/** The fields to set and to unset when sessions end: their access tokens are refused until `until`, and past entries are removed. */
export function endSessionsUpdate(
  account: AccountDocument,
  sids: string[],
  until: string,
  now: Date,
) {
  const latestFirst = Object.entries(account.ended).sort(([, a], [, b]) => b.localeCompare(a));
  const past = latestFirst.slice(endedKept).filter(([, end]) => end <= now.toISOString());
  const endedUntil = [account.endedUntil ?? "", until].sort().at(-1);
  const set =
    sids.length > 0
      ? { ...Object.fromEntries(sids.map((sid) => [`ended.${sid}`, until])), endedUntil }
      : {};
  return {
    set,
    unset: [...past.map(([sid]) => `ended.${sid}`), ...sids.map((sid) => `sessions.${sid}`)],
  };
}
