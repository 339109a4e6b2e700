import type { Read } from "../../contracts/notifications.ts";
import type { InboxPage, Notification } from "../notices.ts";
import { observable } from "../observable.ts";
import { SoukError } from "../souk-error.ts";
import type { InboxMerge } from "./inbox-merge.ts";
import type { HistoryState, InboxHistory } from "./live-inbox.ts";
import { isNewer, newestFirst } from "./seen-notices.ts";

const unknownHistory: HistoryState = {
  status: "unknown",
  notifications: [],
  nextCursor: null,
  error: null,
};

/** Any read: here or on another device. */
type AnyRead = Partial<Read & { ids: string[]; all: true; until: string }>;

/** Read and unread notices in one list. It is loaded by REST, and follows what the live inbox receives. */
export class History implements InboxHistory {
  readonly #load: (cursor?: string) => Promise<InboxPage>;
  readonly #merge: () => InboxMerge;
  readonly #state = observable(unknownHistory);
  /** Reads during a load, whose page may not show them yet. */
  #reads: AnyRead[] = [];
  #loading: Promise<void> | undefined;
  /** Something may have been missed since the load that is under way began. */
  #isReloadWanted = false;
  /** Counts users, so that a page of the previous one is ignored. */
  #user = 0;

  constructor(load: (cursor?: string) => Promise<InboxPage>, merge: () => InboxMerge) {
    [this.#load, this.#merge] = [load, merge];
  }

  readonly get = this.#state.get;
  readonly subscribe = this.#state.subscribe;

  readonly more = async (): Promise<void> => {
    const { status, nextCursor } = this.get();
    if (status !== "loaded") return this.reload();
    if (nextCursor) return this.#loadOnce(nextCursor);
  };

  /** Loads the newest page: for the first time, or because notices may have been missed. */
  reload(): Promise<void> {
    this.#isReloadWanted = this.#loading !== undefined;
    return this.#loadOnce();
  }

  reset(): void {
    this.#user++;
    this.#loading = undefined;
    this.#reads = [];
    this.#state.set(unknownHistory);
  }

  /** A notice is new to this client. */
  readonly add = (notification: Notification): void => {
    const { status, notifications } = this.get();
    if (status === "unknown" || notifications.some(({ id }) => id === notification.id)) return;
    this.#set({ notifications: [notification, ...notifications] });
  };

  markRead(read: AnyRead): void {
    if (this.#loading) this.#reads.push(read);
    this.#set({ notifications: this.#marked(this.get().notifications, read) });
  }

  /** Follows the live inbox, which knows which notices are unread. */
  follow(): void {
    const { isLoaded, notices } = this.#merge();
    const oldest = notices.notifications.at(-1);
    const unread = new Set(notices.notifications.map(({ id }) => id));
    const isKnown = (one: Notification) =>
      isLoaded && (notices.nextCursor === null || (oldest && !isNewer(oldest, one)));
    this.#set({
      notifications: this.get().notifications.map((one) =>
        isKnown(one) && one.isRead === unread.has(one.id) ? { ...one, isRead: !one.isRead } : one,
      ),
    });
  }

  #loadOnce(cursor?: string): Promise<void> {
    this.#loading ??= this.#loadPage(this.#user, cursor);
    return this.#loading;
  }

  async #loadPage(user: number, cursor?: string): Promise<void> {
    if (this.get().status === "unknown") this.#set({ status: "loading" });
    let change: Partial<HistoryState>;
    try {
      const page = await this.#load(cursor);
      if (user !== this.#user) return;
      change = { ...this.#joined(page, cursor), status: "loaded", error: null };
    } catch (error) {
      if (user !== this.#user) return;
      const { status } = this.get();
      change = {
        status: status === "loaded" ? status : "unknown",
        error: error instanceof SoukError ? error : new SoukError("INTERNAL", String(error)),
      };
    }
    this.#loading = undefined;
    this.#reads = [];
    this.#set(change);
    this.follow();
    if (this.#isReloadWanted) await this.reload();
  }

  /** The list with another page: the one behind `cursor`, or the newest. */
  #joined({ notifications: page, nextCursor }: InboxPage, cursor?: string) {
    const read = this.#reads.reduce(
      (rows, one) => this.#marked(rows, one),
      page as readonly Notification[],
    );
    const before = this.get();
    const listed = new Set(page.map(({ id }) => id));
    const rest = before.notifications.filter(({ id }) => !listed.has(id));
    if (cursor !== undefined) return { notifications: [...rest, ...read], nextCursor };
    const oldest = page.at(-1);
    // Without a common notice, there may be others between the page and the list. Those that arrived during the load stay.
    const isJoined = before.status === "loaded" && rest.length < before.notifications.length;
    const kept = rest.filter((one) => isJoined || !oldest || isNewer(one, oldest));
    return {
      notifications: [...read, ...kept].sort(newestFirst),
      nextCursor: isJoined ? before.nextCursor : nextCursor,
    };
  }

  #marked(
    rows: readonly Notification[],
    { ids = [], all, until }: AnyRead,
  ): readonly Notification[] {
    const end = until && rows.find(({ id }) => id === until);
    const isMarked = (one: Notification) =>
      ids.includes(one.id) || (all && (!until || (end && !isNewer(one, end))));
    return rows.map((one) => (!one.isRead && isMarked(one) ? { ...one, isRead: true } : one));
  }

  #set(change: Partial<HistoryState>): void {
    const before = this.get();
    const { notifications = before.notifications } = change;
    const isSame =
      notifications.length === before.notifications.length &&
      notifications.every((one, n) => one === before.notifications[n]);
    const next = { ...before, ...change, ...(isSame && { notifications: before.notifications }) };
    const names = Object.keys(next) as (keyof HistoryState)[];
    if (names.some((name) => next[name] !== before[name])) this.#state.set(next);
  }
}
