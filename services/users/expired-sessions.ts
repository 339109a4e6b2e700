import type { AccountDocument } from "../../domain/account.ts";
import { withoutExpired } from "../../domain/retention.ts";
import { paginate } from "../../store/pagination.ts";
import { stepSize, type Sweep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";

const byEmail = { field: "email", direction: 1 } as const;

/** Removes sessions that expired more than a day ago, and what is kept of ended ones until their access tokens have expired. */
export const expiredSessions = (store: Store<AccountDocument>): Sweep => ({
  what: "expired sessions",
  async next(cursor, now) {
    const page = { limit: stepSize, ...(cursor !== undefined && { cursor }) };
    const { rows, nextCursor } = await paginate(store, {}, byEmail, page);
    let removed = 0;
    for (const account of rows) {
      const change = withoutExpired(account, now);
      // A sign-in, a refresh or the end of a session in between changes the account: the next time is early enough.
      if (change && (await store.change(change.query, change.update))) removed += change.count;
    }
    return { removed, cursor: nextCursor };
  },
});
