import type { Inbox, Notification } from "../../contracts/notifications.ts";

/** The unread notices, newest first, each once; `unread` counts also those that are not loaded, which `nextCursor` leads to. */
export type Notices = Inbox;

export interface Merging {
  notices(): Notices;
  /** Before an inbox is asked for: what comes from now on may or may not be in it. */
  mark(): number;
  /** An inbox that was read after that mark. `isGapless`: nothing can have been missed since, so what was loaded of older ones stays. */
  merge(inbox: Inbox, mark: number, isGapless?: boolean): void;
  /** One that was pushed. */
  push(notification: Notification): void;
  /** What was read, here or on another device, and how many are left. */
  clear(read: Partial<{ ids: string[]; all: true; until: string }>, unread: number): void;
  /** The page after `nextCursor`. */
  append(page: Inbox, mark: number): void;
  /** What is shown and what is counted do not agree: the inbox is to be read again. */
  needsRefetch(): boolean;
}

/** How many ids are remembered. */
const memory = 10_000;
/** Of a push and a read that come so close together nobody here knows which was first there (ms). */
const close = 2_000;

type Place = Pick<Notification, "id" | "createdAt">;

const newestFirst = (a: Place, b: Place) => (isNewer(a, b) ? -1 : 1);
/** As the server orders them. */
const isNewer = (a: Place, b: Place) =>
  a.createdAt === b.createdAt ? a.id > b.id : a.createdAt > b.createdAt;

/**
 * Makes one list of inboxes, pushes and reads that overtake each other: a push may arrive before an inbox that does not have it yet, and
 * a read before one that still has it. `tell` is called once for each id that is news.
 */
export function inboxMerge(tell: (notification: Notification) => void): Merging {
  let notices: Notices = { notifications: [], unread: 0, nextCursor: null };
  /** Counts what happens, so that it can be said what happened since. */
  let clock = 0;
  /** When each notice came, and when it was read. */
  const known = new Map<string, { came: number; gone?: number; createdAt?: string }>();
  let lastRead = -1;
  let isFirst = true;
  /** When it last became unsure whether older ones are right, and the newest ones and the count; -1 when they are. */
  const unsure = { older: -1, newest: -1 };
  /** When the last of each came (ms since 1970). */
  const at = { push: 0, read: 0, readAll: 0 };
  /** All that were stored by then and are no newer than this are read. */
  let readUpTo: (Place & { since: number }) | undefined;

  function note(news: Notification[], came: number, isTold: boolean): void {
    for (const notification of news) {
      if (known.has(notification.id)) continue;
      known.set(notification.id, { came, createdAt: notification.createdAt });
      if (isTold) tell(notification);
    }
    for (const id of known.keys()) {
      if (known.size <= memory) break;
      known.delete(id);
    }
  }

  function happened(...what: (keyof typeof at)[]): void {
    clock++;
    for (const one of what) at[one] = Date.now();
    if (Math.abs(at.push - at.read) < close) unsure.newest = clock;
    if (Math.abs(at.push - at.readAll) < close) unsure.older = clock;
  }

  const isOlderDoubtful = () => {
    const { unread, notifications, nextCursor } = notices;
    return (
      unsure.older >= 0 ||
      unread < notifications.length ||
      (!nextCursor && unread > notifications.length)
    );
  };

  function placeOf(id: string): Place | undefined {
    const createdAt = known.get(id)?.createdAt;
    return createdAt === undefined ? undefined : { id, createdAt };
  }

  const isReadBelow = (one: Place, mark: number) =>
    readUpTo !== undefined && readUpTo.since >= mark && !isNewer(one, readUpTo);
  const goneSince = (mark: number, one: Notification) =>
    isReadBelow(one, mark) || (known.get(one.id)?.gone ?? -1) >= mark;
  const cameSince = (mark: number, { id }: Notification) => (known.get(id)?.came ?? -1) >= mark;

  return {
    notices: () => notices,
    mark: () => ++clock,

    merge(inbox, mark, isGapless = false) {
      const { notifications: before, nextCursor } = notices;
      const listed = new Set(inbox.notifications.map(({ id }) => id));
      const others = before.filter(({ id }) => !listed.has(id));
      const last = inbox.notifications.at(-1);
      /** Among those that this inbox has but does not show. */
      const isBeyond = (one: Notification) =>
        inbox.nextCursor !== null && last !== undefined && isNewer(last, one);
      const fresh = others.filter((one) => cameSince(mark, one) && !isBeyond(one));
      const older = isGapless && !isOlderDoubtful() ? others.filter(isBeyond) : [];
      const left = inbox.notifications.filter((one) => !goneSince(mark, one));
      notices = {
        notifications: [...fresh, ...left, ...older].sort(newestFirst),
        unread: inbox.unread + fresh.length - (inbox.notifications.length - left.length),
        nextCursor: older.length > 0 ? nextCursor : inbox.nextCursor,
      };
      if (unsure.newest < mark) unsure.newest = -1;
      if (unsure.older < mark) unsure.older = lastRead < mark ? -1 : lastRead;
      if (left.some(({ id }) => !known.has(id))) at.push = Date.now();
      note(inbox.notifications.toReversed(), mark - 1, !isFirst);
      isFirst = false;
    },

    push(notification) {
      const { notifications, unread, nextCursor } = notices;
      if (known.has(notification.id)) return;
      happened("push");
      // Late, or from a server whose clock is.
      if (isReadBelow(notification, 0)) unsure.older = clock;
      const last = notifications.at(-1);
      // Older than what is loaded, it has its place, and was counted, among those that are not.
      if (!nextCursor || !last || isNewer(notification, last))
        notices = {
          notifications: [notification, ...notifications].sort(newestFirst),
          unread: unread + 1,
          nextCursor,
        };
      note([notification], clock, true);
    },

    clear({ ids = [], all, until }, unread) {
      if (all && !until) happened("read", "readAll");
      else happened("read");
      lastRead = clock;
      const { notifications, nextCursor } = notices;
      const last = notifications.at(-1);
      const end = until === undefined ? undefined : placeOf(until);
      // Where it ends nobody here can tell.
      if (all && until && !end) unsure.older = clock;
      if (all && end && (!readUpTo || isNewer(end, readUpTo))) readUpTo = { ...end, since: clock };
      const isRead = (one: Place) =>
        ids.includes(one.id) || (all && (!until || (end && !isNewer(one, end))));
      const gone = notifications.filter(isRead).map(({ id }) => id);
      // Also those that are not here: they may be on their way.
      for (const id of [...ids, ...gone]) known.set(id, { ...known.get(id), came: 0, gone: clock });
      notices = {
        notifications:
          gone.length > 0 ? notifications.filter((one) => !isRead(one)) : notifications,
        unread,
        // With all of those that are loaded, all that are not are read as well.
        nextCursor: last && isRead(last) && all ? null : nextCursor,
      };
    },

    append(page, mark) {
      const { notifications, unread } = notices;
      const have = new Set(notifications.map(({ id }) => id));
      const more = page.notifications.filter((one) => !have.has(one.id) && !goneSince(mark, one));
      const isQuiet = clock === mark;
      notices = {
        notifications: [...notifications, ...more],
        unread: isQuiet ? page.unread : unread,
        nextCursor: page.nextCursor,
      };
      note(more, mark - 1, false);
    },

    needsRefetch: () => isOlderDoubtful() || unsure.newest >= 0,
  };
}
