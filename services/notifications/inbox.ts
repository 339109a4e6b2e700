import { randomUUID } from "node:crypto";
import type { Static } from "typebox";
import { badData } from "../../broker/refusal.ts";
import type { Events } from "../../contracts/actions.ts";
import {
  dataLimit,
  type Inbox as InboxPage,
  type Notice,
  type Read,
} from "../../contracts/notifications.ts";
import { inboxSize } from "../../contracts/socket.ts";
import { toPage } from "../../domain/cursor.ts";
import {
  byUser,
  groupUnread,
  keyOf,
  newestFirst,
  newNotice,
  toMark,
  toNotification,
} from "../../domain/inbox.ts";
import { NoticeDocument } from "../../domain/notice.ts";
import { Arrivals } from "../../store/arrivals.ts";
import { batched } from "../../store/group-commit.ts";
import { paginate } from "../../store/pagination.ts";
import { DuplicateKey, type Store } from "../../store/store.ts";

/** The collection of notices. Its indexes serve the queries of Inbox and MissedNotices. */
export const notices = {
  name: "notifications",
  document: NoticeDocument,
  indexes: [
    { fields: ["userId", "createdAt", "_id"] },
    { fields: ["userId", "isRead", "createdAt", "_id"] },
    { fields: ["createdAt", "_id"] },
  ],
};

interface Filter {
  unread?: boolean;
  limit?: number;
  cursor?: string;
}

export type WasRead = Static<Events["notifications.wasRead"]>;

/** Users per query when many sockets ask for their inbox at the same time. */
const usersPerQuery = 50;

/** The stored notices of all users. */
export class Inbox {
  /** Called after a user's notices were marked as read. */
  onRead: (wasRead: WasRead) => void = () => {};
  readonly #store: Store<NoticeDocument>;
  /** The order of the notices. */
  readonly arrivals: Arrivals;
  readonly #unreadOf: (userId: string) => Promise<InboxPage | undefined>;

  constructor(store: Store<NoticeDocument>) {
    this.#store = store;
    this.arrivals = new Arrivals(store);
    // After a restart of the server, all sockets reconnect at the same time.
    this.#unreadOf = batched((userIds: string[]) => this.#findUnread(userIds), usersPerQuery);
  }

  /**
   * Stores a notice and returns its document. When the id is stored already, that document is returned.
   * Throws BAD_DATA when `data` is too large.
   */
  async store(params: Notice): Promise<NoticeDocument> {
    const notice = newNotice(params, randomUUID(), this.arrivals.next());
    if (notice.data.length > dataLimit) throw badData([{ field: "data", message: "is too large" }]);
    try {
      return await this.#store.insert(notice);
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
      return (await this.#store.one({ _id: notice._id })) ?? notice;
    }
  }

  /** One page of a user's notices, newest first, and the number of unread ones. */
  async list(userId: string, { unread, ...page }: Filter): Promise<InboxPage> {
    const query = unread === undefined ? { userId } : { userId, isRead: !unread };
    const [{ rows, nextCursor }, count] = await Promise.all([
      paginate(this.#store, query, newestFirst, page),
      this.#countUnread(userId),
    ]);
    return { notifications: rows.map(toNotification), unread: count, nextCursor };
  }

  /** The newest unread notices, as many as the event `inbox` carries. Batches concurrent calls. */
  async newestUnread(userId: string): Promise<InboxPage> {
    return (await this.#unreadOf(userId)) ?? this.list(userId, { unread: true, limit: inboxSize });
  }

  /** Marks notices as read and returns the number of unread ones. `by` is the socket that asked. */
  async markRead(userId: string, read: Read, by?: string): Promise<number> {
    const until =
      "until" in read && read.until
        ? await this.#store.one({ _id: keyOf(userId, read.until) })
        : undefined;
    // An unknown `until` marks nothing.
    if (until !== null)
      await this.#store.changeMany(toMark(userId, read, until), { $set: { isRead: true } });
    const unread = await this.#countUnread(userId);
    this.onRead({ userId, read, unread, ...(by && { by }) });
    return unread;
  }

  #countUnread(userId: string): Promise<number> {
    return this.#store.count({ userId, isRead: false });
  }

  /** Several users' unread notices in one query. Undefined for users whose notices the limit may have truncated. */
  async #findUnread(userIds: string[]): Promise<(userId: string) => InboxPage | undefined> {
    const limit = userIds.length * (inboxSize + 1);
    const found = await this.#store.find(
      { userId: { $in: userIds }, isRead: false },
      { sort: byUser, limit },
    );
    const unreadOf = groupUnread(found, limit);
    return (userId) => {
      const unread = unreadOf(userId);
      if (!unread) return undefined;
      const { rows, nextCursor } = toPage(unread, inboxSize, newestFirst);
      return { notifications: rows.map(toNotification), unread: unread.length, nextCursor };
    };
  }
}
