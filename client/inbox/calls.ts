import type { Inbox, Read } from "../../contracts/notifications.ts";
import type { Caller } from "../call.ts";
import type { Result } from "../request.ts";

const pageSize = 50;

/** The calls that the live inbox makes. */
export interface InboxCalls {
  /** One page of the unread notices, newest first. */
  unread(cursor?: string): Promise<Inbox>;
  markRead(read: Read): Promise<Result<"notifications.read">>;
  socketUrl(): Promise<string>;
}

export const inboxCalls = (caller: Caller, socketUrl: () => Promise<string>): InboxCalls => ({
  unread: (cursor) => caller.call("notifications.inbox", { unread: true, limit: pageSize, cursor }),
  markRead: (read) => caller.call("notifications.read", read),
  socketUrl,
});
