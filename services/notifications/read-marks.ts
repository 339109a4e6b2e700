import type { Service } from "moleculer";
import { codeOf } from "../../broker/refusal.ts";
import { asRead, oldestFirst } from "../../domain/inbox.ts";
import { sortOf } from "../../domain/cursor.ts";
import { latestMark, marked, type NoticeDocument } from "../../domain/notice.ts";
import { batched } from "../../store/group-commit.ts";
import type { Index, Store } from "../../store/store.ts";

/** Notices have no entry here, except those that carry a mark. */
export const markIndexes: Index[] = [
  { fields: ["userId", "readUntil"], partial: "readUntil" },
  { fields: ["readUntil", "_id"], partial: "readUntil" },
];

/** Notices that one write marks as read. */
const batchSize = 500;
/** Marks that one poll handles. */
const marksPerPoll = 100;
/** How often a node looks for marks (ms). Another node may have stopped before it was done. */
const pollEveryMs = 10_000;
/**
 * A mark stays this long after its last notice was marked (ms). A notice that is being stored meanwhile finds it: a store's
 * call ends within 3 s.
 */
const defaultKeepMs = 10_000;
const usersPerQuery = 50;

/**
 * Marks many notices as read at once: one of them carries the mark `readUntil`, and all notices of its user up to that instant count
 * as read from then on. In the background every one is marked, and then the mark is removed. Any node continues this after a crash.
 */
export class ReadMarks {
  /** The mark of a user, if there is one now. */
  readonly of: (userId: string) => Promise<string | undefined>;
  readonly #store: Store<NoticeDocument>;
  readonly #logger: Pick<Service["logger"], "debug">;
  readonly #keepMs: number;
  /** Since when (by performance.now()) nothing is left to do for a mark, by the id of its notice. */
  readonly #doneSince = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #isPollWanted = false;
  #isStopped = false;

  constructor(
    store: Store<NoticeDocument>,
    logger: Pick<Service["logger"], "debug">,
    { keepMs = defaultKeepMs } = {},
  ) {
    this.#store = store;
    this.#logger = logger;
    this.#keepMs = keepMs;
    this.of = batched((userIds: string[]) => this.among(userIds), usersPerQuery);
  }

  start(): void {
    this.#timer = setInterval(() => this.poll(), pollEveryMs).unref();
    this.poll();
  }

  /** Resolves when the batch that is being written is complete. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopped = true;
    await this.#polling;
  }

  /** The marks of several users. */
  async among(userIds: string[]): Promise<(userId: string) => string | undefined> {
    if (userIds.length === 0) return () => undefined;
    const found = await this.#store.find({ userId: { $in: userIds }, ...marked });
    return (userId) => latestMark(found.filter((notice) => notice.userId === userId));
  }

  /** From the answer on, the user's notices up to `until` count as read. */
  async set(userId: string, until: string): Promise<void> {
    const unread = { userId, isRead: false, createdAt: { $lte: until } };
    // Another call may mark the notice first: then the next one carries the mark.
    for (let isSet = false; !isSet;) {
      const order = { createdAt: -1, _id: -1 } as const;
      const [newest] = await this.#store.find(unread, { sort: order, limit: 1 });
      if (!newest) return;
      const read = asRead(this.#store.now());
      const update = { ...read, $set: { ...read.$set, readUntil: until } };
      isSet = (await this.#store.change({ _id: newest._id, isRead: false }, update)) !== null;
    }
    this.poll();
  }

  /** Starts the background work, or one more round of it. */
  poll(): void {
    this.#isPollWanted = true;
    this.#polling ??= this.#work()
      .catch((error: unknown) =>
        this.#logger.debug(`Could not mark notices as read: ${codeOf(error)}.`),
      )
      .finally(() => (this.#polling = undefined));
  }

  async #work(): Promise<void> {
    while (this.#isPollWanted && !this.#isStopped) {
      this.#isPollWanted = false;
      const byMark = { readUntil: 1, _id: 1 } as const;
      const found = await this.#store.find(marked, { sort: byMark, limit: marksPerPoll });
      for (const notice of found) await this.#finish(notice);
    }
  }

  async #finish({ _id, userId, readUntil }: NoticeDocument): Promise<void> {
    if ((await this.#markAll(userId, readUntil!)) > 0 || !this.#doneSince.has(_id))
      this.#doneSince.set(_id, performance.now());
    if (performance.now() - this.#doneSince.get(_id)! < this.#keepMs) return;
    await this.#store.change({ _id, readUntil }, { $unset: { readUntil: true } });
    this.#doneSince.delete(_id);
  }

  async #markAll(userId: string, until: string): Promise<number> {
    const unread = { isRead: false, createdAt: { $lte: until } };
    for (let total = 0; ;) {
      const page = { sort: sortOf(oldestFirst), limit: batchSize };
      const found = await this.#store.find({ userId, ...unread }, page);
      const ids = found.map(({ _id }) => _id);
      if (ids.length > 0)
        await this.#store.changeMany({ _id: { $in: ids }, ...unread }, asRead(this.#store.now()));
      total += ids.length;
      if (ids.length < batchSize || this.#isStopped) return total;
    }
  }
}
