import type { Inbox, Notification, Read } from "../contracts/notifications.ts";
import { isCode } from "./souk-error.ts";
import type { Params, Result } from "./request.ts";
import { connectInbox } from "./inbox/connection.ts";
import { inboxMerge, type Merging } from "./inbox/inbox-merge.ts";
import { backoff } from "./retry.ts";
import type { Access, Sessions } from "./session.ts";
import { signal, observable, type Store } from "./observable.ts";
import { globals } from "./globals.ts";

export interface InboxState {
  /** The unread ones, newest first, each once. */
  notifications: Notification[];
  /** How many there are, also of those that are not loaded. */
  unread: number;
  /** Leads to those that are not loaded: `more()`. */
  nextCursor: string | null;
  /** `paused`: what happens now is shown later, when notifications can be reached again. */
  connection: "connecting" | "live" | "paused" | "signedOut";
}

export interface LiveInbox extends Store<InboxState> {
  /** Once for each notice that is new to this client: those that come while it is there, and those missed while it was away. */
  onNotification(listener: (notification: Notification) => void): () => void;
  /** Marks these as read, or all that are shown or older; on all devices. */
  read(which: string[] | "all"): Promise<void>;
  /** Loads older ones. */
  more(): Promise<void>;
  /** Goes offline, until `souk.inbox()` is called again. */
  close(): void;
}

interface Needs {
  session: Sessions;
  inboxOf(which: Params<"notifications.inbox">): Promise<Inbox>;
  markRead(read: Read): Promise<Result<"notifications.read">>;
  socketUrl(): Promise<string>;
}

/** How long it may take to come (back) before it is said (ms). */
const patience = 3_000;
/** How long to wait at most before trying again (ms): the first time, and ever. */
const [firstWait, longestWait] = [1_000, 8_000];
const pageSize = 50;

export function liveInbox({
  session,
  inboxOf,
  markRead,
  socketUrl,
}: Needs): LiveInbox & { open(): void } {
  const state = observable<InboxState>({
    notifications: [],
    unread: 0,
    nextCursor: null,
    connection: "connecting",
  });
  const news = signal<Notification>();
  let merged: Merging = inboxMerge(news.tell);
  let isOpen = false;
  let hangUp: (() => void) | undefined;
  let owner: string | undefined;
  let failures = 0;
  /** Which attempt to connect counts; what an older one is up to is of no interest. */
  let attempt = 0;
  /** What is due: another attempt, the word that it takes long, another reading. */
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  let loading: Promise<void> | undefined;
  let rereadings = 0;

  function later(what: string, ms: number, run: () => void): void {
    clearTimeout(timers.get(what));
    timers.set(
      what,
      setTimeout(() => {
        timers.delete(what);
        run();
      }, ms),
    );
  }

  function never(...what: string[]): void {
    for (const one of what) {
      clearTimeout(timers.get(one));
      timers.delete(one);
    }
  }

  function show(connection = state.get().connection): void {
    const [before, next] = [state.get(), { ...merged.notices(), connection }];
    if (Object.entries(next).some(([name, value]) => before[name as keyof InboxState] !== value))
      state.set(next);
    if (!isOpen) return;
    if (!merged.needsRefetch()) rereadings = 0;
    else if (!timers.has("reread"))
      later("reread", 300 + backoff(rereadings++, firstWait, 30_000), () => void reread());
  }

  /** By REST, when what was pushed does not add up. */
  async function reread(): Promise<void> {
    const [mark, mine] = [merged.mark(), merged];
    const inbox = await inboxOf({ unread: true, limit: pageSize }).catch(() => undefined);
    if (mine !== merged) return;
    if (inbox) merged.merge(inbox, mark, true);
    show();
  }

  function wait(): void {
    show(state.get().connection === "paused" ? "paused" : "connecting");
    if (!timers.has("patience")) later("patience", patience, () => show("paused"));
  }

  async function connect(): Promise<void> {
    leave();
    const mine = attempt;
    wait();
    try {
      const [access, url] = [await session.access(), await socketUrl()];
      if (mine === attempt) listen(url, access);
    } catch (error) {
      if (mine === attempt && !isCode(error, "UNAUTHENTICATED")) again();
    }
  }

  /** Full of jitter: all clients of a server that restarts come back at the same time. */
  function again(): void {
    later("retry", backoff(failures++, firstWait, longestWait), () => void connect());
  }

  function listen(url: string, access: Access): void {
    let mark = 0;
    let isGapless = false;
    hangUp = connectInbox(url, access, session.fresh, {
      expecting: () => void (mark = merged.mark()),
      inbox(inbox) {
        merged.merge(inbox, mark, isGapless);
        isGapless = true;
        failures = 0;
        never("patience");
        show("live");
      },
      notification(notification) {
        merged.push(notification);
        show();
      },
      read({ unread, ...read }) {
        merged.clear(read, unread);
        show();
      },
      lost(code, token) {
        leave();
        if (code === "UNAUTHENTICATED") session.reject(token);
        // Asked to stay away.
        if (code === "TOO_MANY_REQUESTS") failures = Math.max(failures, 5);
        wait();
        again();
      },
    });
  }

  function leave(): void {
    attempt++;
    never("retry", "reread");
    hangUp?.();
    hangUp = undefined;
  }

  function quit(connection: InboxState["connection"]): void {
    leave();
    never("patience");
    show(connection);
  }

  session.state.subscribe(({ user, status }) => {
    if (user?.id !== owner) {
      if (owner) leave();
      merged = inboxMerge(news.tell);
      owner = user?.id;
      show();
    }
    if (!isOpen) return;
    if (status === "signedOut") quit("signedOut");
    else if (!hangUp) void connect();
  });

  // The network is back, or somebody looks again: why wait?
  for (const event of ["online", "focus"])
    globals.addEventListener?.(event, () => {
      if (timers.has("retry")) void connect();
    });

  async function load(): Promise<void> {
    const { nextCursor } = merged.notices();
    if (!nextCursor) return;
    const [mark, mine] = [merged.mark(), merged];
    const page = await inboxOf({ unread: true, limit: pageSize, cursor: nextCursor });
    if (mine !== merged || merged.notices().nextCursor !== nextCursor) return;
    merged.append(page, mark);
    show();
  }

  async function mark(read: Read): Promise<void> {
    const mine = merged;
    const { unread } = await markRead(read);
    if (mine !== merged) return;
    merged.clear(read, unread);
    show();
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    onNotification: news.on,
    async read(which) {
      if (which === "all") {
        const newest = merged.notices().notifications[0]?.id;
        return mark({ all: true, ...(newest && { until: newest }) });
      }
      for (let at = 0; at < which.length; at += 100) await mark({ ids: which.slice(at, at + 100) });
    },
    more: () => (loading ??= load().finally(() => (loading = undefined))),
    close() {
      isOpen = false;
      quit(session.state.get().status === "signedOut" ? "signedOut" : "paused");
    },
    open() {
      if (isOpen) return;
      isOpen = true;
      if (session.state.get().status === "signedOut") show("signedOut");
      else void connect();
    },
  };
}
