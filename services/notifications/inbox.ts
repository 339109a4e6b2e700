import { randomUUID } from "node:crypto";
import type { Service } from "moleculer";
import type { Static } from "typebox";
import { badData } from "../../broker/refusal.ts";
import type { Actions, Events } from "../../contracts/actions.ts";
import type { ResultOf } from "../../contracts/schema.ts";
import { dataLimit, type Notice, type Read } from "../../contracts/notifications.ts";
import { inboxSize } from "../../contracts/socket.ts";
import { sortOf, toPage } from "../../domain/cursor.ts";
import {
  asRead,
  byUser,
  groupUnread,
  keyOf,
  listed,
  newestFirst,
  newNotice,
  toMark,
  toReceipt,
  type ListedNotices,
} from "../../domain/inbox.ts";
import { afterMark, instantAfter, instantBefore, NoticeDocument } from "../../domain/notice.ts";
import { outboxIndexes } from "../../mixins/outbox.ts";
import { Arrivals } from "../../store/arrivals.ts";
import { batched } from "../../store/group-commit.ts";
import { paginate } from "../../store/pagination.ts";
import { DuplicateKey, type Store } from "../../store/store.ts";
import { markIndexes, ReadMarks } from "./read-marks.ts";
import { readNotices } from "./read-notices.ts";
import { UnreadCounts } from "./unread-counts.ts";

/** The collection of notices. Its indexes serve the queries of Inbox and MissedNotices. */
export const notices = {
  name: "notifications",
  document: NoticeDocument,
  indexes: [
    { fields: ["userId", "createdAt", "_id"] },
    { fields: ["userId", "isRead", "createdAt", "_id"] },
    { fields: ["createdAt", "_id"] },
    ...markIndexes,
    ...outboxIndexes,
  ],
  sweeps: (store: Store<NoticeDocument>, keepDays: number) => [readNotices(store, keepDays)],
};

interface Filter {
  unread?: boolean;
  limit?: number;
  cursor?: string;
}

export type WasRead = Static<Events["notifications.wasRead"]>;

/** Users per query when many sockets ask for their inbox at the same time. */
const usersPerQuery = 50;
/** More notices than this are marked as read in the background. */
const maxMarkedAtOnce = 1_000;
/**
 * A mark covers no notice younger than this (ms), so that none that is being stored meanwhile falls under it: a store's call ends
 * within 3 s, and clocks differ by at most 2 s.
 */
const markedAfterMs = 10_000;
/** A notice that took longer to store may be under a mark that was set meanwhile (ms). */
const lateAfterMs = 3_000;

/** The stored notices of all users. */
export class Inbox {
  /** Called after a user's notices were marked as read. */
  onRead: (wasRead: WasRead) => void = () => {};
  /** Each is called when a notice was stored, the first time only. */
  readonly onStored: ((notice: NoticeDocument) => void)[] = [];
  /** Called for the outbox of a new notice; undefined for a user without channels. */
  outboxOf: (userId: string) => Promise<NoticeDocument["outbox"]> = async () => undefined;
  readonly marks: ReadMarks;
  readonly counts: UnreadCounts;
  readonly #store: Store<NoticeDocument>;
  /** The order of the notices. */
  readonly arrivals: Arrivals;
  readonly #unreadOf: (userId: string) => Promise<ListedNotices | undefined>;

  constructor(store: Store<NoticeDocument>, logger: Service["logger"]) {
    this.#store = store;
    this.arrivals = new Arrivals(store);
    this.marks = new ReadMarks(store, logger);
    this.counts = new UnreadCounts(store);
    // After a restart of the server, all sockets reconnect at the same time.
    this.#unreadOf = batched((userIds: string[]) => this.#findUnread(userIds), usersPerQuery);
  }

  /**
   * Stores a notice and returns its document. When the id is stored already, that document is returned.
   * Throws BAD_DATA when `data` is too large.
   */
  async store(params: Notice, traceparent?: string): Promise<NoticeDocument> {
    const outbox = await this.outboxOf(params.userId);
    const startedAt = performance.now();
    const notice = newNotice(params, randomUUID(), this.arrivals.next(), traceparent);
    if (notice.data.length > dataLimit) throw badData([{ field: "data", message: "is too large" }]);
    try {
      const inserted = await this.#store.insert({ ...notice, ...(outbox && { outbox }) });
      for (const listener of this.onStored) listener(inserted);
      const isLate = performance.now() - startedAt > lateAfterMs;
      const stored = isLate ? await this.#afterMark(inserted) : inserted;
      this.counts.add(stored.userId, 1);
      return stored;
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
      const stored = (await this.#store.one({ _id: notice._id })) ?? notice;
      const mark = await this.marks.of(stored.userId);
      return mark !== undefined && stored.createdAt <= mark ? { ...stored, isRead: true } : stored;
    }
  }

  /** A new notice is unread, also when a mark was set while it was being stored, by a process that was suspended for example. */
  async #afterMark(notice: NoticeDocument): Promise<NoticeDocument> {
    for (let stored = notice; ;) {
      const mark = await this.marks.of(stored.userId);
      if (mark === undefined || stored.createdAt > mark) return stored;
      const later = { createdAt: instantAfter(mark), isRead: false };
      stored = (await this.#store.change({ _id: stored._id }, { $set: later })) ?? stored;
    }
  }

  /** One page of a user's notices, newest first, and the number of unread ones. */
  async list(userId: string, { unread, ...page }: Filter): Promise<ListedNotices> {
    const mark = await this.marks.of(userId);
    const query = {
      userId,
      ...(unread !== undefined && { isRead: !unread }),
      ...(unread && afterMark(mark)),
    };
    const [{ rows, nextCursor }, count] = await Promise.all([
      paginate(this.#store, query, newestFirst, page),
      this.counts.of(userId, mark),
    ]);
    return listed(rows, { unread: count, nextCursor }, mark);
  }

  /** Whether a notice was shown or read. An unknown one counts as shown. */
  async isShown(userId: string, id: string): Promise<boolean> {
    const notice = await this.#store.one({ _id: keyOf(userId, id) });
    return !notice || this.wasSeen(notice);
  }

  /** Whether a notice, as it was read from the store, was shown or read. */
  async wasSeen({ userId, isRead, shownAt, createdAt }: NoticeDocument): Promise<boolean> {
    if (isRead || shownAt !== undefined) return true;
    const mark = await this.marks.of(userId);
    return mark !== undefined && createdAt <= mark;
  }

  /** How far a page of a user's notices came, newest first. */
  async receipts(
    userId: string,
    page: Filter,
  ): Promise<ResultOf<Actions["notifications.receipts"]>> {
    const mark = await this.marks.of(userId);
    const { rows, nextCursor } = await paginate(this.#store, { userId }, newestFirst, page);
    return { receipts: rows.map((notice) => toReceipt(notice, mark)), nextCursor };
  }

  /** The newest unread notices, as many as the event `inbox` carries. Batches concurrent calls. */
  async newestUnread(userId: string): Promise<ListedNotices> {
    return (await this.#unreadOf(userId)) ?? this.list(userId, { unread: true, limit: inboxSize });
  }

  /** Marks notices as read and returns the number of unread ones. `by` is the socket that asked. */
  async markRead(userId: string, read: Read, by?: string): Promise<number> {
    const until =
      "until" in read && read.until
        ? await this.#store.one({ _id: keyOf(userId, read.until) })
        : undefined;
    // An unknown `until` marks nothing.
    if (until !== null) await this.#mark(userId, read, until);
    const unread = await this.counts.of(userId, await this.marks.of(userId));
    this.onRead({ userId, read, unread, ...(by && { by }) });
    return unread;
  }

  async #mark(userId: string, read: Read, until?: NoticeDocument): Promise<void> {
    const query = toMark(userId, read, until);
    const isRead = asRead(this.#store.now());
    const isLarge =
      !("ids" in read) && (await this.#store.count(query, maxMarkedAtOnce + 1)) > maxMarkedAtOnce;
    if (!isLarge) return this.counts.add(userId, -(await this.#store.changeMany(query, isRead)));
    const [newest] = await this.#store.find(query, { sort: sortOf(newestFirst), limit: 1 });
    if (!newest) return;
    // The mark covers whole instants. The few notices beyond it are marked now.
    const last = until?.createdAt ?? newest.createdAt;
    const settled = Math.min(this.arrivals.now(), this.#store.now().getTime()) - markedAfterMs;
    const mark = [until ? instantBefore(last) : last, new Date(settled).toISOString()].sort()[0]!;
    if (mark < last)
      await this.#store.changeMany({ ...query, createdAt: { $gt: mark, $lte: last } }, isRead);
    await this.marks.set(userId, mark);
    this.counts.forget(userId);
  }

  /** Several users' unread notices in one query. Undefined for users whose notices the limit may have truncated. */
  async #findUnread(userIds: string[]): Promise<(userId: string) => ListedNotices | undefined> {
    const limit = userIds.length * (inboxSize + 1);
    const found = await this.#store.find(
      { userId: { $in: userIds }, isRead: false },
      { sort: byUser, limit },
    );
    const unreadOf = groupUnread(found, limit);
    const withUnread = userIds.filter((userId) => unreadOf(userId)?.length);
    const markOf = await this.marks.among(withUnread);
    return (userId) => {
      const unread = unreadOf(userId);
      // Those with a mark are rare, and asked for singly.
      if (!unread || markOf(userId) !== undefined) return undefined;
      const { rows, nextCursor } = toPage(unread, inboxSize, newestFirst);
      return listed(rows, { unread: unread.length, nextCursor });
    };
  }
}
