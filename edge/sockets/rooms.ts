/** A user's sockets are a Socket.IO room. Only the server chooses rooms; Socket.IO empties them when sockets disconnect. */
import type { Server } from "socket.io";
import type { ClientToServer, ServerToClient } from "../../contracts/socket.ts";
import type { EndedSession } from "../../contracts/users.ts";
import { concurrencyLimits } from "../policy/limits.ts";
import { scaled } from "../rate-scale.ts";
import { uptime } from "../uptime.ts";
import { disconnect, type SocketState, type UserSocket } from "./user-socket.ts";

export type SocketServer = Server<ClientToServer, ServerToClient, object, SocketState>;

/** The room with all sockets of one user. */
export const roomOf = (userId: string) => `user:${userId}`;

const socketsByUser = scaled(concurrencyLimits.socketsByUser);

/** A user's sockets on this node. */
export function* socketsOf({ sockets }: SocketServer, userId: string): Generator<UserSocket> {
  // The set may change while it is read: a socket that is emitted to may turn out to be closed.
  for (const id of sockets.adapter.rooms.get(roomOf(userId)) ?? [])
    yield sockets.sockets.get(id) as UserSocket;
}

/** Whether one more socket would exceed the user's limit on this node. */
export function isRoomFull({ sockets }: SocketServer, userId: string, socket: UserSocket): boolean {
  const members = sockets.adapter.rooms.get(roomOf(userId));
  return members !== undefined && !members.has(socket.id) && members.size >= socketsByUser;
}

/** Disconnects the sockets of a revoked session. */
export function disconnectSession(io: SocketServer, session: EndedSession): void {
  for (const socket of [...socketsOf(io, session.userId)])
    if (socket.data.user!.sid === session.sid) disconnect(socket);
}

/** Disconnects sockets whose token, or time to authorize, has expired. */
export function disconnectExpired({ sockets }: SocketServer): void {
  const now = uptime();
  for (const socket of sockets.sockets.values())
    if (socket.data.endsAt <= now) disconnect(socket as UserSocket);
}
