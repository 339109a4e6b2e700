import type { Inbox, Notification } from "../../contracts/notifications.ts";
import type { UserSocket } from "./user-socket.ts";

/** An event with notices: its name and payload, and what to do when the client acknowledges it. */
export type NoticesEvent =
  | [event: "inbox", payload: Inbox, shown: () => void]
  | [event: "notification", payload: Notification, shown: () => void];

/** Receipts that one connection may owe. Each takes memory until it comes or the socket closes; a client that reads nothing is closed. */
const maxOwed = 1_000;
/** The same for a client that has sent none yet: it may be one that never does. */
const maxOwedAtFirst = 8;

/** The receipts of one connection: which of its events the client still has to acknowledge. */
export class Receipts {
  #owed = 0;
  #hasCome = false;
  /** Packets that are not counted: how many receipts come depends on the notices, not on the client. */
  #freePackets = 0;

  /**
   * Emits the event, and asks for a receipt unless the client owes too many. `shown` is called when the client acknowledges the
   * event, at any time while it is connected. Stock clients whose listeners take no acknowledgement never do.
   */
  emit(socket: UserSocket, ...[event, payload, shown]: NoticesEvent): void {
    // The compiler does not see that the payload fits a name that is not known here.
    const emit = socket.emit.bind(socket) as (...args: unknown[]) => void;
    if (this.#owed >= (this.#hasCome ? maxOwed : maxOwedAtFirst)) return emit(event, payload);
    this.#owed++;
    this.#freePackets++;
    emit(event, payload, () => {
      this.#owed--;
      this.#hasCome = true;
      shown();
    });
  }

  /** Takes one of the packets that are not counted. False when there is none. */
  takePacket(): boolean {
    if (this.#freePackets === 0) return false;
    this.#freePackets--;
    return true;
  }
}
