import type { EndedSession } from "../contracts/users.ts";

/** Sessions that ended before their access tokens expire. In memory, per node. */
export class RevokedSessions {
  /** Called once for each session that is added. */
  onAdd: (session: EndedSession) => void = () => {};
  /** By session id: when the last of its tokens expires (ms since 1970). */
  readonly #expiry = new Map<string, number>();

  has(sessionId: string): boolean {
    return this.#expiry.has(sessionId);
  }

  add(session: EndedSession): void {
    if (this.has(session.sid)) return;
    this.#expiry.set(session.sid, Date.parse(session.until));
    this.onAdd(session);
  }

  /** Forgets the sessions whose tokens have expired. */
  prune(now = Date.now()): void {
    for (const [sessionId, expiry] of this.#expiry)
      if (expiry < now) this.#expiry.delete(sessionId);
  }
}
