import type { Read } from "../../contracts/notifications.ts";
import type { ApiClient } from "../call.ts";
import { toInboxPage, type InboxPage } from "../notices.ts";
import type { Result } from "../request.ts";

const pageSize = 50;

/** The calls that the live inbox makes. */
export interface InboxCalls {
  /** One page of the unread notices, newest first. */
  unread(cursor?: string): Promise<InboxPage>;
  /** One page of all notices, newest first. */
  all(cursor?: string): Promise<InboxPage>;
  markRead(read: Read): Promise<Result<"notifications.read">>;
  socketUrl(): Promise<string>;
}

export const inboxCalls = (api: ApiClient, socketUrl: () => Promise<string>): InboxCalls => ({
  unread: async (cursor) =>
    toInboxPage(await api.call("notifications.inbox", { unread: true, limit: pageSize, cursor })),
  all: async (cursor) =>
    toInboxPage(await api.call("notifications.inbox", { limit: pageSize, cursor })),
  markRead: (read) => api.call("notifications.read", read),
  socketUrl,
});
