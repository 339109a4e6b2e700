import { setTimeout as pause } from "node:timers/promises";
import type { UserSocket } from "./user-socket.ts";

/**
 * Calls `send` until it succeeds or the socket has disconnected, with exponential backoff. Requests that
 * arrive during a run are coalesced into one more run.
 */
export async function sendInboxWithRetry(
  socket: UserSocket,
  send: () => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const { data } = socket;
  data.isInboxDue = true;
  if (data.isSendingInbox) return;
  data.isSendingInbox = true;
  for (let failures = 0; data.isInboxDue && socket.connected;) {
    data.isInboxDue = false;
    try {
      await send();
    } catch (error) {
      data.isInboxDue = true;
      onFailure(error);
      await pause(backoff(failures++), undefined, { ref: false });
    }
  }
  data.isSendingInbox = false;
}

/** Milliseconds until the next attempt, with jitter, because all sockets of a node retry at the same time. */
const backoff = (failures: number) =>
  Math.min(250 * 2 ** failures, 10_000) * (0.5 + Math.random() / 2);
