import type { Service } from "moleculer";
import type { Socket } from "socket.io";
import { refusal } from "../../broker/refusal.ts";
import type { ErrorCode } from "../../contracts/errors.ts";
import type { clientEvents, ClientToServer, ServerToClient } from "../../contracts/socket.ts";
import type { Verified } from "../token-verifier.ts";
import { terminateAfterGrace } from "./transport.ts";

/** Everything a node keeps per socket. One small object, because a node holds many thousands. */
export interface SocketState {
  /** Set once an access token has proven it; never another user afterwards. */
  user?: Verified;
  /** When the socket is closed (ms, by `uptime()`): its token's expiry, or the deadline to authorize. */
  endsAt: number;
  isInboxDue?: boolean;
  isSendingInbox?: boolean;
}

/** An event of the contract that a client may send. */
export type ClientEvent = keyof typeof clientEvents;

/** Answers the events of its sockets. `event` is undefined when the contract does not name it. */
interface EventReceiver {
  receive(socket: UserSocket, event: ClientEvent | undefined, args: unknown[]): Promise<void>;
}

/** One connected socket of a client. */
export type UserSocket = Socket<ClientToServer, ServerToClient, object, SocketState> & {
  /** The service that holds the socket. moleculer-io sets it. */
  readonly $service: Service & EventReceiver;
};

/** The user that the socket has proven. Throws UNAUTHENTICATED before that. */
export function userOf({ data }: UserSocket): Verified {
  if (!data.user) throw refusal("UNAUTHENTICATED");
  return data.user;
}

/** Closes the socket for good: stock clients do not reconnect after this. */
export function disconnect(socket: UserSocket, code: ErrorCode = "UNAUTHENTICATED"): void {
  socket.emit("closing", { code });
  socket.disconnect(true);
  // A slow consumer may not even read this.
  terminateAfterGrace(socket.conn);
}

/** A client can leave the namespace and keep its connection, which no other code would close. */
export function closeConnection(this: UserSocket): void {
  this.conn.close();
}
