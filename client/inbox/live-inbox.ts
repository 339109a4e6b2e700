import type { Notification } from "../../contracts/notifications.ts";
import type { Observable } from "../observable.ts";

export interface InboxState {
  /** The unread notices that are loaded: newest first, each once. */
  notifications: Notification[];
  /** The number of all unread notices, also of those that are not loaded. */
  unread: number;
  /** Not null while there are older notices to load with `more()`. */
  nextCursor: string | null;
  /** `paused`: the connection is lost. The inbox reconnects, and then shows the missed notices. */
  connection: "connecting" | "live" | "paused" | "signedOut";
}

export interface LiveInbox extends Observable<InboxState> {
  /** Called once for each notice that is new to this client, whether it was pushed or missed while the connection was lost. */
  onNotification(listener: (notification: Notification) => void): () => void;
  /** Marks the notices with these ids as read on all devices; or all notices, up to the newest that is shown. */
  read(which: string[] | "all"): Promise<void>;
  /** Loads older notices. */
  more(): Promise<void>;
  /** Disconnects until `souk.inbox()` is called again. */
  close(): void;
}

export const emptyInbox: InboxState = {
  notifications: [],
  unread: 0,
  nextCursor: null,
  connection: "connecting",
};
