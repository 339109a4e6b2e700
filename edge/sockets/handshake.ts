import type { IncomingMessage } from "node:http";
import { http } from "../node-http.ts";
import type { Verified } from "../token-verifier.ts";
import type { Connection } from "./transport.ts";
import type { UserSocket } from "./user-socket.ts";

const emptyHandshake = Object.freeze({});

/** The access token of a socket's handshake, or undefined. Clears the handshake, which would otherwise stay in memory. */
export function takeToken(socket: UserSocket): unknown {
  const { token } = socket.handshake.auth as { token?: unknown };
  Object.assign(socket, { handshake: emptyHandshake });
  return token ?? undefined;
}

/** Drops the upgrade request with its headers, which would otherwise stay in memory with the connection. */
export function dropRequest(connection: Connection): void {
  Object.assign(connection, { request: null });
}

/** Middleware of Engine.IO. The response to an upgrade stays with its connection and would keep the request in memory. */
export function dropRequestOfResponse(
  _request: IncomingMessage,
  response: object,
  next: () => void,
): void {
  if (!(response instanceof http.ServerResponse)) Object.assign(response, { req: null });
  next();
}

/** Verifies the token of the handshake. On failure, the error for Socket.IO's `connect_error` is thrown and the connection closed. */
export async function authenticate(
  socket: UserSocket,
  verify: (token: string) => Promise<Verified>,
  toRefused: (error: unknown) => { code: string; detail: string },
): Promise<Verified | undefined> {
  const token = takeToken(socket);
  if (token === undefined) return undefined;
  try {
    return await verify(token as string);
  } catch (error) {
    // The connection is useless now, and must not be used to try one token after the other.
    setImmediate(() => socket.conn.close());
    const { code, detail } = toRefused(error);
    throw Object.assign(new Error(detail), { data: { code } });
  }
}
