import type { Inbox, Read } from "../../contracts/notifications.ts";
import type { ApiClient } from "../call.ts";
import type { Result } from "../request.ts";

const pageSize = 50;

/** The calls that the live inbox makes. */
export interface InboxCalls {
  /** One page of the unread notices, newest first. */
  unread(cursor?: string): Promise<Inbox>;
  markRead(read: Read): Promise<Result<"notifications.read">>;
  socketUrl(): Promise<string>;
}

export const inboxCalls = (api: ApiClient, socketUrl: () => Promise<string>): InboxCalls => ({
  unread: (cursor) => api.call("notifications.inbox", { unread: true, limit: pageSize, cursor }),
  markRead: (read) => api.call("notifications.read", read),
  socketUrl,
});
