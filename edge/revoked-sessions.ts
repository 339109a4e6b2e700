import { accessTokenSeconds, type EndedSession } from "../contracts/users.ts";
import { uptime } from "./uptime.ts";

/** No token of an ended session is valid for longer (ms). By `uptime()`: a wall clock that jumps would forget the session too early. */
const keptMs = 2 * accessTokenSeconds * 1000;

/** Sessions that ended before their access tokens expire. In memory, per node. */
export class RevokedSessions {
  /** Each is called once for each session that is added. */
  readonly onAdd: ((session: EndedSession) => void)[] = [];
  /** By session id: when it is forgotten. */
  readonly #forgetAt = new Map<string, number>();

  has(sessionId: string): boolean {
    return this.#forgetAt.has(sessionId);
  }

  /** A session that is announced again is kept for longer: some of its tokens may be valid. */
  add(session: EndedSession): void {
    const isNew = !this.has(session.sid);
    this.#forgetAt.set(session.sid, uptime() + keptMs);
    if (isNew) for (const listener of this.onAdd) listener(session);
  }

  /** Forgets the sessions whose tokens have expired. */
  prune(now = uptime()): void {
    for (const [sessionId, forgetAt] of this.#forgetAt)
      if (forgetAt < now) this.#forgetAt.delete(sessionId);
  }
}
