import { oldestFirst } from "../../domain/inbox.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { daysBefore, isReadBefore, removable } from "../../domain/retention.ts";
import { paginate } from "../../store/pagination.ts";
import { stepSize, type Sweep } from "../../store/retention.ts";
import type { Store } from "../../store/store.ts";

/**
 * Removes read notices that were first shown `keepDays` ago. It passes the unread ones of that age in the order of an index, so the
 * write of a notice costs nothing more.
 */
export const readNotices = (store: Store<NoticeDocument>, keepDays: number): Sweep => ({
  what: `read notices that were shown more than ${keepDays} days ago`,
  async next(cursor, now) {
    const before = daysBefore(now, keepDays);
    const page = { limit: stepSize, ...(cursor !== undefined && { cursor }) };
    const old = await paginate(store, { createdAt: { $lt: before } }, oldestFirst, page);
    const ids = old.rows.filter((notice) => isReadBefore(notice, before)).map(({ _id }) => _id);
    // A notice that has got a mark or a message since it was read stays.
    const over = { _id: { $in: ids }, ...removable };
    const removed = ids.length > 0 ? await store.removeMany(over, ids.length) : 0;
    return { removed, cursor: old.nextCursor };
  },
});
