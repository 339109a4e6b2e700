import type { Notification } from "../notices.ts";
import type { Observable } from "../observable.ts";
import type { SoukError } from "../souk-error.ts";

/** How notices arrive. */
export type ConnectionState =
  /** The connection is being made, or was lost less than three seconds ago. */
  | "connecting"
  /** Notices are pushed immediately. */
  | "live"
  /** There is no connection, but the inbox is read by REST at intervals of 5 s to 5 min, most often while the page is focused. */
  | "polling"
  /** There is neither, or the inbox was closed. The inbox keeps trying, and then shows the missed notices. */
  | "paused"
  /** No user is signed in. The inbox connects when one signs in. */
  | "signedOut";

/** Before the inbox was read for the first time. This says nothing about the number of notices. */
export interface UnknownInbox {
  /** `loading`: the first attempts to read it are under way. `unknown`: they failed, and continue, or no user is signed in. */
  status: "loading" | "unknown";
  readAt: null;
  unread: null;
  notifications: readonly Notification[];
  nextCursor: null;
}

export interface LoadedInbox {
  status: "loaded";
  /** When the inbox was last read as a whole, by this device's clock. While `connection` is `live`, it is up to date now. */
  readAt: Date;
  /** The number of all unread notices, also of those that are not loaded. */
  unread: number;
  /** The unread notices that are loaded: newest first, each once. */
  notifications: readonly Notification[];
  /** Not null while there are older notices to load with `more()`. */
  nextCursor: string | null;
}

/** Check `status` before you show that there is nothing new. */
export type InboxState = (LoadedInbox | UnknownInbox) & {
  connection: ConnectionState;
  /** Why the last read by REST failed; null after a success and while `connection` is `live`. */
  error: SoukError | null;
};

export interface HistoryState {
  /** While it is not `loaded`, an empty list says nothing about the number of notices. `unknown`: loading failed, or no user is signed in. */
  status: "unknown" | "loading" | "loaded";
  /** Newest first, each once. `isRead` follows what is read here and on other devices. */
  notifications: readonly Notification[];
  /** Not null while there are older notices to load with `more()`. */
  nextCursor: string | null;
  /** Why the last call failed. */
  error: SoukError | null;
}

export interface InboxHistory extends Observable<HistoryState> {
  /** Loads older notices, or repeats the first call that failed. Failures are in the state. */
  more(): Promise<void>;
}

export interface LiveInbox extends Observable<InboxState> {
  /** Called once for each notice that is new to this client, whether it was pushed or missed while the connection was lost. */
  onNotification(listener: (notification: Notification) => void): () => void;
  /** Marks the notices with these ids as read on all devices; or all notices, up to the newest that is shown. */
  read(which: string[] | "all"): Promise<void>;
  /** Loads older notices. */
  more(): Promise<void>;
  /** Read and unread notices in one list, for example for a menu: the same object at every call. The first call loads the newest. */
  history(): InboxHistory;
  /** Reads the inbox by REST now. Failures are in the state. */
  refresh(): Promise<void>;
  /** Disconnects until `souk.inbox()` is called again. */
  close(): void;
}

export const unknownInbox = {
  status: "unknown",
  readAt: null,
  unread: null,
  notifications: [],
  nextCursor: null,
} as const satisfies UnknownInbox;
