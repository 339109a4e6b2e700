import type { Notification, Read } from "../../contracts/notifications.ts";
import { isCode } from "../souk-error.ts";
import { backoff } from "../retry.ts";
import type { SessionManager, SessionState } from "../session/session-manager.ts";
import { emitter, observable } from "../observable.ts";
import { globals } from "../globals.ts";
import type { InboxCalls } from "./calls.ts";
import { InboxConnection, type InboxHandlers } from "./connection.ts";
import { InboxMerge } from "./inbox-merge.ts";
import { emptyInbox, type InboxState, type LiveInbox } from "./live-inbox.ts";
import { Timers } from "./timers.ts";

/** A reconnection that takes longer is shown as `paused`. */
const pausedAfterMs = 3_000;
/** The bounds of the wait before another attempt to connect: after the first failure, and at most. */
const [firstWaitMs, longestWaitMs] = [1_000, 8_000];
/** After a 429, waits are as long as after this number of failures. */
const failuresWhenLimited = 5;
/** The server's limit for one call. */
const maxIdsPerRead = 100;

/** Keeps one connection to the sockets while a user is signed in. Public functions are bound, so they can be passed on. */
export class InboxController implements LiveInbox {
  readonly #session: SessionManager;
  readonly #calls: InboxCalls;
  readonly #state = observable(emptyInbox);
  readonly #received = emitter<Notification>();
  readonly #timers = new Timers<"reconnect" | "pause" | "refetch">();
  #merge = new InboxMerge(this.#received.emit);
  #ownerId: string | undefined;
  #isOpen = false;
  #connection: InboxConnection | undefined;
  /** Counts attempts to connect, so that the result of an outdated one is ignored. */
  #attempt = 0;
  #failures = 0;
  #refetches = 0;
  #loading: Promise<void> | undefined;

  constructor(session: SessionManager, calls: InboxCalls) {
    this.#session = session;
    this.#calls = calls;
    session.state.subscribe((state) => this.#sessionChanged(state));
    // The network or the user is back: do not wait for the timer.
    for (const event of ["online", "focus"])
      globals.addEventListener?.(event, () => {
        if (this.#timers.has("reconnect")) void this.#connect();
      });
  }

  readonly get = this.#state.get;
  readonly subscribe = this.#state.subscribe;
  readonly onNotification = this.#received.on;

  readonly open = (): void => {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#session.state.get().status === "signedOut") this.#show("signedOut");
    else void this.#connect();
  };

  readonly close = (): void => {
    this.#isOpen = false;
    this.#stop(this.#session.state.get().status === "signedOut" ? "signedOut" : "paused");
  };

  readonly read = async (which: string[] | "all"): Promise<void> => {
    if (which === "all") {
      const newest = this.#merge.notices.notifications[0]?.id;
      return this.#markRead({ all: true, ...(newest && { until: newest }) });
    }
    for (let at = 0; at < which.length; at += maxIdsPerRead)
      await this.#markRead({ ids: which.slice(at, at + maxIdsPerRead) });
  };

  readonly more = (): Promise<void> =>
    (this.#loading ??= this.#loadOlder().finally(() => (this.#loading = undefined)));

  #sessionChanged({ user, status }: SessionState): void {
    if (user?.id !== this.#ownerId) {
      if (this.#ownerId) this.#disconnect();
      this.#merge = new InboxMerge(this.#received.emit);
      this.#ownerId = user?.id;
      this.#show();
    }
    if (!this.#isOpen) return;
    if (status === "signedOut") this.#stop("signedOut");
    else if (!this.#connection) void this.#connect();
  }

  async #connect(): Promise<void> {
    this.#disconnect();
    const attempt = this.#attempt;
    this.#showWaiting();
    try {
      const [access, url] = [await this.#session.access(), await this.#calls.socketUrl()];
      if (attempt !== this.#attempt) return;
      const freshAccess = () => this.#session.freshAccess();
      this.#connection = new InboxConnection(url, access, freshAccess, this.#handlers());
    } catch (error) {
      if (attempt === this.#attempt && !isCode(error, "UNAUTHENTICATED")) this.#reconnectLater();
    }
  }

  /** With jitter: all clients of a server that restarts are disconnected at the same time. */
  #reconnectLater(): void {
    const wait = backoff(this.#failures++, firstWaitMs, longestWaitMs);
    this.#timers.set("reconnect", wait, () => void this.#connect());
  }

  #handlers(): InboxHandlers {
    let mark = 0;
    let isGapless = false;
    return {
      inboxRequested: () => void (mark = this.#merge.mark()),
      inbox: (inbox) => {
        this.#merge.merge(inbox, mark, isGapless);
        isGapless = true;
        this.#failures = 0;
        this.#timers.clear("pause");
        this.#show("live");
      },
      notification: (notification) => {
        this.#merge.push(notification);
        this.#show();
      },
      read: ({ unread, ...read }) => {
        this.#merge.markRead(read, unread);
        this.#show();
      },
      disconnected: (code, token) => {
        this.#disconnect();
        if (code === "UNAUTHENTICATED") this.#session.reject(token);
        if (code === "TOO_MANY_REQUESTS")
          this.#failures = Math.max(this.#failures, failuresWhenLimited);
        this.#showWaiting();
        this.#reconnectLater();
      },
    };
  }

  #disconnect(): void {
    this.#attempt++;
    this.#timers.clear("reconnect", "refetch");
    this.#connection?.close();
    this.#connection = undefined;
  }

  #stop(connection: InboxState["connection"]): void {
    this.#disconnect();
    this.#timers.clear("pause");
    this.#show(connection);
  }

  #showWaiting(): void {
    this.#show(this.#state.get().connection === "paused" ? "paused" : "connecting");
    if (!this.#timers.has("pause"))
      this.#timers.set("pause", pausedAfterMs, () => this.#show("paused"));
  }

  #show(connection = this.#state.get().connection): void {
    const [before, next] = [this.#state.get(), { ...this.#merge.notices, connection }];
    if (Object.entries(next).some(([name, value]) => before[name as keyof InboxState] !== value))
      this.#state.set(next);
    if (!this.#isOpen) return;
    if (!this.#merge.needsRefetch()) this.#refetches = 0;
    else if (!this.#timers.has("refetch")) {
      const wait = 300 + backoff(this.#refetches++, firstWaitMs, 30_000);
      this.#timers.set("refetch", wait, () => void this.#refetch());
    }
  }

  /** Reads the inbox by REST when the pushed events leave it uncertain. */
  async #refetch(): Promise<void> {
    const [merge, mark] = [this.#merge, this.#merge.mark()];
    const inbox = await this.#calls.unread().catch(() => undefined);
    if (merge !== this.#merge) return;
    if (inbox) merge.merge(inbox, mark, true);
    this.#show();
  }

  async #loadOlder(): Promise<void> {
    const { nextCursor } = this.#merge.notices;
    if (!nextCursor) return;
    const [merge, mark] = [this.#merge, this.#merge.mark()];
    const page = await this.#calls.unread(nextCursor);
    if (merge !== this.#merge || merge.notices.nextCursor !== nextCursor) return;
    merge.append(page, mark);
    this.#show();
  }

  async #markRead(read: Read): Promise<void> {
    const merge = this.#merge;
    const { unread } = await this.#calls.markRead(read);
    if (merge !== this.#merge) return;
    merge.markRead(read, unread);
    this.#show();
  }
}
