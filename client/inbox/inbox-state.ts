import type { InboxMerge } from "./inbox-merge.ts";
import type { InboxReader } from "./inbox-reader.ts";
import { unknownInbox, type ConnectionState, type InboxState } from "./live-inbox.ts";

interface Circumstances {
  isSignedOut: boolean;
  isOpen: boolean;
  /** There has been no connection for long. */
  isOverdue: boolean;
}

/** The state that is shown. */
export function inboxState(
  { isLive, isPolling, readAt, error }: InboxReader,
  { notices, isLoaded }: InboxMerge,
  { isSignedOut, isOpen, isOverdue }: Circumstances,
): InboxState {
  const connection = ((): ConnectionState => {
    if (isSignedOut) return "signedOut";
    if (!isOpen) return "paused";
    if (isLive) return "live";
    if (isPolling) return "polling";
    return isOverdue ? "paused" : "connecting";
  })();
  if (isLoaded && readAt) return { status: "loaded", readAt, ...notices, connection, error };
  const status = connection === "connecting" ? "loading" : "unknown";
  // A notice may be pushed before the first inbox arrives.
  const { notifications } = notices;
  return { ...unknownInbox, notifications, status, connection, error };
}
