import type { Inbox, Notification } from "../../contracts/notifications.ts";
import type { UserSocket } from "./user-socket.ts";

/** An event with notices: its name and payload, and what to do when the client acknowledges it. */
export type NoticesEvent =
  | [event: "inbox", payload: Inbox, shown: () => void]
  | [event: "notification", payload: Notification, shown: () => void];

/**
 * Receipts that one connection may owe: 0.3 KB each, until it comes or the socket closes. A client that reads nothing is closed.
 */
const maxOwed = 1_000;
/** The same for a client that has sent none yet: it may be one that never does. */
const maxOwedAtFirst = 64;
/**
 * Above `maxOwedAtFirst`, a first burst is asked for receipts that are forgotten after this time (ms): they cost memory once, and for a short
 * time. It is shorter than the 30 s after which a notice that was not shown is sent by other ways.
 */
export const firstReceiptMs = 20_000;

/** The receipts of one connection: which of its events the client still has to acknowledge. */
export class Receipts {
  #owed = 0;
  #hasCome = false;
  /** A receipt was forgotten before the first one came. */
  #isSilent = false;
  /** Packets that are not counted: how many receipts come depends on the notices, not on the client. */
  #freePackets = 0;

  /**
   * Emits the event, and asks for a receipt unless the client owes too many. `shown` is called when the client acknowledges the
   * event, at any time while it is connected; of a first burst, within `firstReceiptMs`. Stock clients whose listeners take no
   * acknowledgement never do.
   */
  emit(socket: UserSocket, ...[event, payload, shown]: NoticesEvent): void {
    // The compiler does not see that the payload fits a name that is not known here.
    const emit = (to: object, ...args: unknown[]) =>
      (to as { emit(...args: unknown[]): void }).emit(event, payload, ...args);
    const isKept = this.#hasCome || this.#owed < maxOwedAtFirst;
    if (this.#owed >= maxOwed || (!isKept && this.#isSilent)) return emit(socket);
    this.#owed++;
    this.#freePackets++;
    if (isKept) return emit(socket, () => this.#come(shown));
    emit(socket.timeout(firstReceiptMs), (error: Error | null) =>
      error ? this.#forgotten() : this.#come(shown),
    );
  }

  #come(shown: () => void): void {
    this.#owed--;
    this.#hasCome = true;
    shown();
  }

  #forgotten(): void {
    this.#owed--;
    this.#isSilent = true;
  }

  /** Takes one of the packets that are not counted. False when there is none. */
  takePacket(): boolean {
    if (this.#freePackets === 0) return false;
    this.#freePackets--;
    return true;
  }
}
