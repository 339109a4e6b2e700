import type { Read } from "../../contracts/notifications.ts";
import type { Notification } from "../notices.ts";
import { isCode } from "../souk-error.ts";
import type { SessionManager, SessionState } from "../session/session-manager.ts";
import { emitter, observable } from "../observable.ts";
import { onReturn } from "./attention.ts";
import type { InboxCalls } from "./calls.ts";
import { InboxConnection, type InboxHandlers } from "./connection.ts";
import { History } from "./history.ts";
import { InboxMerge } from "./inbox-merge.ts";
import { InboxReader } from "./inbox-reader.ts";
import { inboxState } from "./inbox-state.ts";
import { unknownInbox, type InboxHistory, type InboxState, type LiveInbox } from "./live-inbox.ts";
import { Reconnection } from "./reconnection.ts";

/** The server's limit for one call. */
const maxIdsPerRead = 100;

/** Keeps one connection to the sockets while a user is signed in. Public functions are bound, so they can be passed on. */
export class InboxController implements LiveInbox {
  readonly #session: SessionManager;
  readonly #calls: InboxCalls;
  readonly #state = observable<InboxState>({
    ...unknownInbox,
    connection: "connecting",
    error: null,
  });
  readonly #received = emitter<Notification>();
  readonly #reconnection = new Reconnection(
    () => void this.#connect(),
    () => this.#show(),
  );
  readonly #reader: InboxReader;
  readonly #history: History;
  #isHistoryOpen = false;
  #merge = new InboxMerge(this.#received.emit);
  #ownerId: string | undefined;
  #isOpen = false;
  #connection: InboxConnection | undefined;
  /** Counts attempts to connect, so that the result of an outdated one is ignored. */
  #attempt = 0;
  #loading: Promise<void> | undefined;

  constructor(session: SessionManager, calls: InboxCalls) {
    this.#session = session;
    this.#calls = calls;
    this.#reader = new InboxReader(
      calls,
      () => this.#merge,
      () => this.#wasRead(),
    );
    this.#history = new History(calls.all, () => this.#merge);
    this.#received.on(this.#history.add);
    session.state.subscribe((state) => this.#sessionChanged(state));
    onReturn(() => this.#returned());
  }

  readonly get = this.#state.get;
  readonly subscribe = this.#state.subscribe;
  readonly onNotification = this.#received.on;

  readonly open = (): void => {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#isSignedOut()) this.#show();
    else void this.#connect();
  };

  readonly close = (): void => {
    this.#isOpen = false;
    this.#stop();
  };

  readonly read = async (which: string[] | "all"): Promise<void> => {
    if (which === "all") {
      const newest = this.#merge.newestId;
      return this.#markRead({ all: true, ...(newest && { until: newest }) });
    }
    for (let at = 0; at < which.length; at += maxIdsPerRead)
      await this.#markRead({ ids: which.slice(at, at + maxIdsPerRead) });
  };

  readonly more = (): Promise<void> =>
    (this.#loading ??= this.#loadOlder().finally(() => (this.#loading = undefined)));

  readonly history = (): InboxHistory => {
    this.#isHistoryOpen = true;
    // Otherwise it is loaded after the inbox.
    if (this.#merge.isLoaded && this.#history.get().status === "unknown") this.#reloadHistory();
    return this.#history;
  };

  readonly refresh = (): Promise<void> => this.#reader.read();

  #sessionChanged({ user, status }: SessionState): void {
    if (user?.id !== this.#ownerId) {
      if (this.#ownerId) this.#disconnect();
      this.#merge = new InboxMerge(this.#received.emit);
      this.#reader.reset();
      this.#history.reset();
      this.#reconnection.end();
      this.#ownerId = user?.id;
      this.#show();
    }
    if (!this.#isOpen) return;
    if (status === "signedOut") this.#stop();
    else if (!this.#connection) void this.#connect();
  }

  /** The network or the user is back: finds out at once whether the connection is dead, and does not wait for timers. */
  #returned(): void {
    if (!this.#isOpen || this.#isSignedOut()) return;
    this.#connection?.returned();
    if (this.#reconnection.isPlanned) void this.#connect();
    this.#reader.returned();
  }

  async #connect(): Promise<void> {
    this.#disconnect();
    const attempt = this.#attempt;
    this.#reader.start();
    this.#reconnection.begin();
    this.#show();
    try {
      const [access, url] = [await this.#session.access(), await this.#calls.socketUrl()];
      if (attempt !== this.#attempt) return;
      const freshAccess = () => this.#session.freshAccess();
      this.#connection = new InboxConnection(url, access, freshAccess, this.#handlers());
    } catch (error) {
      if (attempt === this.#attempt && !isCode(error, "UNAUTHENTICATED")) this.#reconnectLater();
    }
  }

  #reconnectLater(): void {
    this.#reader.connectionFailed();
    this.#reconnection.begin();
    this.#reconnection.retry(this.#reader.isPolling);
    this.#show();
  }

  #handlers(): InboxHandlers {
    let mark = 0;
    return {
      inboxRequested: () => void (mark = this.#merge.mark()),
      inbox: (inbox) => {
        this.#merge.merge(inbox, mark, this.#reader.isLive);
        if (!this.#reader.isLive) this.#reloadHistory();
        this.#reconnection.end();
        this.#reader.goLive();
        this.#show();
      },
      notification: (notification) => {
        this.#merge.push(notification);
        this.#show();
      },
      read: ({ unread, ...read }) => {
        this.#merge.markRead(read, unread);
        this.#history.markRead(read);
        this.#show();
      },
      disconnected: (code, token) => {
        this.#disconnect();
        if (code === "UNAUTHENTICATED") this.#session.reject(token);
        if (code === "TOO_MANY_REQUESTS") this.#reconnection.slowDown();
        this.#reconnectLater();
      },
    };
  }

  #disconnect(): void {
    this.#attempt++;
    this.#reconnection.cancel();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #stop(): void {
    this.#disconnect();
    this.#reconnection.end();
    this.#reader.stop();
    this.#show();
  }

  /** The inbox was read by REST. Without a connection, the history may have missed what it shows. */
  #wasRead(): void {
    if (!this.#reader.isLive) this.#reloadHistory();
    this.#show();
  }

  #reloadHistory(): void {
    if (this.#isHistoryOpen && this.#ownerId) void this.#history.reload();
  }

  #isSignedOut(): boolean {
    return this.#session.state.get().status === "signedOut";
  }

  #show(): void {
    const before = this.#state.get();
    const next = inboxState(this.#reader, this.#merge, {
      isSignedOut: this.#isSignedOut(),
      isOpen: this.#isOpen,
      isOverdue: this.#reconnection.isOverdue,
    });
    if (Object.entries(next).some(([name, value]) => before[name as keyof InboxState] !== value))
      this.#state.set(next);
    if (this.#isHistoryOpen) this.#history.follow();
    this.#reader.plan();
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
    this.#history.markRead(read);
    this.#show();
  }
}
