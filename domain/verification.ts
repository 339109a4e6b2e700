/** The links that verify an email address: requested, sent and used. */
import Type, { type Static } from "typebox";
import { exactly, id, instant } from "../contracts/schema.ts";
import { verificationsPerHour } from "../contracts/users.ts";

const hourMs = 3_600_000;
/** A link is valid this long after it was sent. */
const validMs = 24 * hourMs;
/** The newest links of an account, more than can be requested in an hour. Older ones are not valid. */
const linksKept = 5;

/** Once its mail is sent, a link has the hash of its token. The token itself is not stored. */
const Link = exactly({
  requestedAt: instant,
  sentAt: Type.Optional(instant),
  hash: Type.Optional(Type.String()),
});
type Link = Static<typeof Link>;

export const Verification = exactly({
  /** The id of the last link. Of concurrent requests that read the same one, one is stored. */
  latest: id,
  links: Type.Record(Type.String(), Link),
});
export type Verification = Static<typeof Verification>;

/** Less than `ms` apart. A time from a clock that was wrong by more counts as long ago. */
const isWithin = (ms: number, instant: string, now: Date) =>
  Math.abs(now.getTime() - Date.parse(instant)) < ms;

/** The verification with one more link, without those that are no longer needed. */
export function withLink(
  before: Verification | undefined,
  linkId: string,
  now: Date,
): Verification {
  const newest = Object.entries(before?.links ?? {})
    .sort(([, a], [, b]) => (a.requestedAt < b.requestedAt ? 1 : -1))
    .slice(0, linksKept - 1);
  const added = [linkId, { requestedAt: now.toISOString() }] as const;
  return { latest: linkId, links: Object.fromEntries([added, ...newest]) };
}

/** How long the account waits until it may request another link (ms). */
export function requestableInMs(verification: Verification | undefined, now: Date): number {
  const requested = Object.values(verification?.links ?? {})
    .map(({ requestedAt }) => requestedAt)
    .filter((at) => isWithin(hourMs, at, now))
    .sort();
  if (requested.length < verificationsPerHour) return 0;
  const [first] = requested.slice(-verificationsPerHour);
  return Math.min(hourMs, Date.parse(first!) + hourMs - now.getTime());
}

/** The link with this id, if it was sent. `linkId` may be anything that a client sends. */
export function sentLink(verification: Verification | undefined, linkId: string) {
  const links = verification?.links ?? {};
  const { hash, sentAt } = Object.hasOwn(links, linkId) ? links[linkId]! : ({} as Partial<Link>);
  return hash && sentAt ? { hash, sentAt } : undefined;
}

/** Also after the clock was set: a link from a wrong clock is valid for at most 24 hours more, or not at all. */
export const isLinkValid = ({ sentAt }: { sentAt: string }, now: Date) =>
  isWithin(validMs, sentAt, now);

/** The token in a link names its user and the link; the secret is hard to guess. */
export const verificationToken = (userId: string, linkId: string, secret: string) =>
  [userId, linkId, secret].join(".");

export function parseVerificationToken(token: string) {
  const [userId = "", linkId = ""] = token.split(".");
  return { userId, linkId };
}
