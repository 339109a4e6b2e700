import { io, type Socket } from "socket.io-client";
import type { Inbox, Notification } from "../../contracts/notifications.ts";
import type { ClientToServer, ServerToClient } from "../../contracts/socket.ts";
import { isCode, SoukError } from "../souk-error.ts";
import { backoff } from "../retry.ts";
import type { Access } from "../session.ts";

/** What comes over a line. */
export interface Hears {
  /** From now on an inbox is on its way. */
  expecting(): void;
  inbox(inbox: Inbox): void;
  notification(notification: Notification): void;
  read(read: Parameters<ServerToClient["read"]>[0]): void;
  /** It is gone, once; `code` is why the server ended it, `token` is the one that it had last. */
  lost(code: string | undefined, token: string): void;
}

/** Milliseconds for the answer to an event. */
const answerWithin = 10_000;

/**
 * One connection to the sockets, which `fresh` tokens keep beyond the life of its first. When it is lost another is to be made: a stock
 * client that reconnects by itself would bring an old token, and gives up after a refusal. Returns what closes it.
 */
export function connectInbox(
  url: string,
  access: Access,
  fresh: () => Promise<Access>,
  hears: Hears,
): () => void {
  const socket: Socket<ServerToClient, ClientToServer> = io(url, {
    transports: ["websocket"],
    auth: { token: access.token },
    reconnection: false,
    forceNew: true,
  });
  let isOver = false;
  let closing: string | undefined;
  let due: ReturnType<typeof setTimeout>;

  function close(): void {
    isOver = true;
    clearTimeout(due);
    socket.disconnect();
  }

  function lost(code?: string): void {
    if (isOver) return;
    close();
    hears.lost(code, access.token);
  }

  function renewIn(ms: number, failures = 0): void {
    due = setTimeout(() => void renew(failures), Math.max(0, ms));
  }

  async function renew(failures: number): Promise<void> {
    try {
      access = await fresh();
      if (isOver) return;
      hears.expecting();
      const answer = await socket
        .timeout(answerWithin)
        .emitWithAck("authorize", { token: access.token });
      if (!answer.ok) throw new SoukError(answer.code, answer.detail);
      renewIn(access.renewAt - Date.now());
    } catch (error) {
      if (isOver) return;
      if (isCode(error, "UNAUTHENTICATED", "FORBIDDEN")) lost((error as SoukError).code);
      else renewIn(backoff(failures, 1_000, 8_000), failures + 1);
    }
  }

  socket.on("connect", () => {
    hears.expecting();
    renewIn(access.renewAt - Date.now());
  });
  socket.on("inbox", hears.inbox);
  socket.on("notification", hears.notification);
  socket.on("read", hears.read);
  socket.on("closing", ({ code }) => void (closing = code));
  socket.on("disconnect", () => lost(closing));
  socket.on("connect_error", (error) => lost((error as { data?: { code?: string } }).data?.code));
  return close;
}
