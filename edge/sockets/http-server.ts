import type { Server } from "node:http";
import type { SocketServer } from "./rooms.ts";
import { limitConnections } from "../connection-limit.ts";
import { PipelineLimitedServer } from "../pipelining.ts";
import { webSocketOf } from "./transport.ts";

/** An HTTP request that is still incomplete after this is closed (ms). */
const requestTimeout = 15_000;
/** How long a stop waits for clients to complete the closing handshake (ms). A frozen client never does. */
const stopGraceMs = 1_000;

/** The HTTP server under Socket.IO. Everything except the upgrade to a WebSocket is answered with 404. */
export function createSocketServer(): Server {
  const server = new PipelineLimitedServer(
    { requestTimeout, connectionsCheckingInterval: 1_000 },
    (_request, response) => {
      response.writeHead(404).end();
    },
  );
  limitConnections(server);
  return server;
}

/** Terminates the connections that are still open after the grace period of a stop. */
export function terminateAfterStop(io: SocketServer, server: Server): void {
  // Protected in the types; Engine.IO documents no other list of its connections.
  const connections = Object.values(io.engine["clients"]);
  setTimeout(() => {
    for (const connection of connections) webSocketOf(connection).terminate();
    server.closeAllConnections();
  }, stopGraceMs).unref();
}
