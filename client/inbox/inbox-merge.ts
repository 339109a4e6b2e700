import type { Read } from "../../contracts/notifications.ts";
import type { InboxPage, Notification } from "../notices.ts";
import { isNewer, newestFirst, SeenNotices, type Position } from "./seen-notices.ts";

/** A push and a read within this time may have happened on the server in either order. */
const ambiguousWithinMs = 2_000;

/**
 * Merges inboxes, pushes and reads into one list of unread notices. They may overtake each other: a push may arrive before an inbox that
 * does not contain it yet, and a read before an inbox that still contains its notice. `emit` is called once for each new id.
 */
export class InboxMerge {
  readonly #seen: SeenNotices;
  #notices: InboxPage = { notifications: [], unread: 0, nextCursor: null };
  /** A logical clock: it counts events, so that "since" can be compared. */
  #clock = 0;
  #lastReadAt = -1;
  /** The logical time of the last inbox that was merged; -1 before the first one. */
  #mergedAt = -1;
  /** Logical times at which the older notices, and the newest ones with the count, became uncertain; -1 while they are certain. */
  readonly #uncertainSince = { older: -1, newest: -1 };
  /** The last event of each kind, by performance.now(). */
  readonly #lastEventMs = { push: -Infinity, read: -Infinity, readAll: -Infinity };
  constructor(emit: (notification: Notification) => void) {
    this.#seen = new SeenNotices(emit);
  }

  /** The unread notices, newest first, each once. `unread` includes those behind `nextCursor`, which are not loaded. */
  get notices(): InboxPage {
    return this.#notices;
  }

  /** Whether an inbox was merged. Before that, nothing is known about the number of notices. */
  get isLoaded(): boolean {
    return this.#mergedAt >= 0;
  }

  /** The newest notice by the server's order, which may differ from the list until the inbox is read again. */
  get newestId(): string | undefined {
    return this.#notices.notifications.toSorted(newestFirst)[0]?.id;
  }

  /** Takes the logical time before an inbox is requested. That inbox may or may not contain what arrives after it. */
  mark(): number {
    return ++this.#clock;
  }

  /** Whether the list and the count may be wrong, so that the inbox must be fetched again. */
  needsRefetch(): boolean {
    return this.#isOlderUncertain() || this.#uncertainSince.newest >= 0;
  }

  /**
   * Adds an inbox that was requested at `mark`, unless one that was requested later is merged already. `isGapless`: no push was missed
   * since, so older notices that were loaded stay.
   */
  merge(inbox: InboxPage, mark: number, isGapless = false): void {
    if (mark < this.#mergedAt) return;
    const { notifications, nextCursor } = this.#notices;
    const listed = new Set(inbox.notifications.map(({ id }) => id));
    const rest = notifications.filter(({ id }) => !listed.has(id));
    const oldest = inbox.notifications.at(-1);
    /** Whether a notice belongs to the part of this inbox behind its cursor. */
    const isBehindCursor = (one: Notification) =>
      inbox.nextCursor !== null && oldest !== undefined && isNewer(oldest, one);
    const pushed = rest.filter(
      (one) => this.#seen.isReceivedSince(mark, one) && !isBehindCursor(one),
    );
    const behind = rest.filter(isBehindCursor);
    const isKept = isGapless || this.#accountsFor(inbox, behind.length);
    const older = isKept && !this.#isOlderUncertain() ? behind : [];
    const unread = inbox.notifications.filter((one) => !this.#seen.isReadSince(mark, one));
    this.#notices = {
      notifications: [...pushed, ...unread, ...older].sort(newestFirst),
      unread: inbox.unread + pushed.length - (inbox.notifications.length - unread.length),
      nextCursor: older.length > 0 ? nextCursor : inbox.nextCursor,
    };
    this.#settle(mark);
    if (unread.some(({ id }) => !this.#seen.has(id))) this.#lastEventMs.push = performance.now();
    this.#seen.add(inbox.notifications.toReversed(), mark - 1, this.isLoaded);
    this.#mergedAt = mark;
  }

  /** Adds a notice that the server pushed. */
  push(notification: Notification): void {
    if (this.#seen.has(notification.id)) return;
    this.#happened("push");
    // It was delayed, or the clock of the server that made it is slow.
    if (this.#seen.isReadUpTo(notification)) this.#uncertainSince.older = this.#clock;
    const { notifications, unread, nextCursor } = this.#notices;
    const oldest = notifications.at(-1);
    // It is older than a notice that is shown: it was delayed, or a clock was wrong. It is shown first until the inbox is read again.
    if (notifications.some((one) => isNewer(one, notification)))
      this.#uncertainSince.newest = this.#clock;
    // A notice older than the loaded ones is already counted, behind the cursor.
    if (!nextCursor || !oldest || isNewer(notification, oldest))
      this.#notices = {
        notifications: [notification, ...notifications],
        unread: unread + 1,
        nextCursor,
      };
    this.#seen.add([notification], this.#clock, true);
  }

  /** Removes notices that were read here or on another device. `unread` is the number that remains. */
  markRead(read: Partial<Read & { ids: string[]; all: true; until: string }>, unread: number) {
    const { ids = [], all, until } = read;
    this.#happened("read", ...(all && !until ? (["readAll"] as const) : []));
    this.#lastReadAt = this.#clock;
    const end = until === undefined ? undefined : this.#seen.positionOf(until);
    if (all && end) this.#seen.markReadUpTo(end, this.#clock);
    // The position of an unknown notice is unknown, too.
    else if (all && until) this.#uncertainSince.older = this.#clock;
    const isRead = (one: Position) =>
      ids.includes(one.id) || (all && (!until || (end && !isNewer(one, end))));
    const { notifications, nextCursor } = this.#notices;
    const removed = notifications.filter(isRead).map(({ id }) => id);
    // This includes ids that have not arrived yet.
    this.#seen.markRead([...ids, ...removed], this.#clock);
    const oldest = notifications.at(-1);
    this.#notices = {
      notifications:
        removed.length > 0 ? notifications.filter((one) => !isRead(one)) : notifications,
      unread,
      // When all loaded notices are read, so are the older ones.
      nextCursor: oldest && isRead(oldest) && all ? null : nextCursor,
    };
  }

  /** Adds the page behind `nextCursor`, requested at `mark`. */
  append(page: InboxPage, mark: number): void {
    const { notifications, unread } = this.#notices;
    const listed = new Set(notifications.map(({ id }) => id));
    const more = page.notifications.filter(
      (one) => !listed.has(one.id) && !this.#seen.isReadSince(mark, one),
    );
    this.#notices = {
      notifications: [...notifications, ...more],
      unread: this.#clock === mark ? page.unread : unread,
      nextCursor: page.nextCursor,
    };
    this.#seen.add(more, mark - 1, false);
  }

  #happened(...events: ("push" | "read" | "readAll")[]): void {
    this.#clock++;
    const last = this.#lastEventMs;
    for (const event of events) last[event] = performance.now();
    const isClose = (one: number, other: number) => Math.abs(one - other) < ambiguousWithinMs;
    if (isClose(last.push, last.read)) this.#uncertainSince.newest = this.#clock;
    if (isClose(last.push, last.readAll)) this.#uncertainSince.older = this.#clock;
  }

  /** An inbox requested at `mark` settles the uncertainties from before. */
  #settle(mark: number): void {
    const since = this.#uncertainSince;
    if (since.newest < mark) since.newest = -1;
    if (since.older < mark) since.older = this.#lastReadAt < mark ? -1 : this.#lastReadAt;
  }

  /**
   * Whether the numbers show that nothing changed behind the cursor of this inbox, where `behind` loaded notices are: it contains a notice
   * that was loaded before, so all new ones are in it, and the difference of the counts is explained by those in front of its cursor.
   */
  #accountsFor({ notifications, unread }: InboxPage, behind: number): boolean {
    const before = this.#notices;
    const loaded = new Set(before.notifications.map(({ id }) => id));
    const inFront = before.notifications.length - behind;
    return (
      notifications.some(({ id }) => loaded.has(id)) &&
      unread - notifications.length === before.unread - inFront
    );
  }

  #isOlderUncertain(): boolean {
    const { unread, notifications, nextCursor } = this.#notices;
    return (
      this.#uncertainSince.older >= 0 ||
      unread < notifications.length ||
      (!nextCursor && unread > notifications.length)
    );
  }
}
