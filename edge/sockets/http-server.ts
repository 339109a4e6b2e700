import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { env } from "../../broker/env.ts";
import { refusal } from "../../broker/refusal.ts";
import { corsHeaders } from "../headers.ts";
import { isAllowedOrigin } from "../policy/origins.ts";
import { toOriginForm } from "../request-target.ts";
import { endWithProblem, replyToConnect, replyToUnreadable } from "../unreadable.ts";
import type { SocketServer } from "./rooms.ts";
import { limitConnections } from "../connection-limit.ts";
import { PipelineLimitedServer } from "../pipelining.ts";
import { webSocketOf } from "./transport.ts";

/** An HTTP request that is still incomplete after this is closed (ms). */
const requestTimeout = 15_000;
/** How long a stop waits for clients to complete the closing handshake (ms). A frozen client never does. */
const stopGraceMs = 1_000;

/**
 * The HTTP server under Socket.IO. Everything except the upgrade to a WebSocket of today's protocol is answered with 404, or with a
 * problem that says what to change: Engine.IO would write its refusal of an old client into the opened WebSocket.
 */
export function createSocketServer(): Server {
  const server = new SocketHttpServer(
    // Node would refuse a request without Host by a response of its own.
    { requestTimeout, connectionsCheckingInterval: 1_000, requireHostHeader: false },
    (_request, response) => {
      response.writeHead(404).end();
    },
  );
  server.on("clientError", replyToUnreadable(env.origins));
  server.on("connect", replyToConnect(env.origins));
  limitConnections(server);
  return server;
}

class SocketHttpServer extends PipelineLimitedServer {
  // Not a listener: Socket.IO replaces those of `request`.
  override emit(event: string, ...args: unknown[]): boolean {
    if (event !== "request" && event !== "upgrade") return super.emit(event, ...args);
    const [request, answer] = args as [IncomingMessage, ServerResponse | Socket];
    toOriginForm(request);
    const { origin, host } = request.headers;
    const hasHost = host !== undefined || request.httpVersion === "1.0";
    const fault = hasHost ? faultOf(request, event === "upgrade") : missingHost;
    if (!fault) return super.emit(event, ...args);
    // That a request has no Host depends on the request alone: any page may read it.
    const isAllowed = !hasHost || isAllowedOrigin(origin, host, env.origins, env.port);
    const socket = "socket" in answer ? answer.socket! : (answer as Socket);
    endWithProblem(
      socket,
      refusal("BAD_DATA", fault),
      origin !== undefined && isAllowed ? corsHeaders(origin) : {},
    );
    return true;
  }
}

const missingHost = "The request must have exactly one Host header.";

/** What a Socket.IO client must change; undefined for requests that Socket.IO answers. */
function faultOf({ url = "" }: IncomingMessage, isUpgrade: boolean): string | undefined {
  if (!url.startsWith("/socket.io/?")) return undefined;
  const protocol = new URLSearchParams(url.slice(url.indexOf("?"))).get("EIO");
  if (protocol !== "4")
    return "This server speaks Engine.IO 4. Use a client of Socket.IO 3 or 4; clients of Socket.IO 2 cannot connect.";
  return isUpgrade
    ? undefined
    : 'This server accepts WebSockets only. Give the client the option `transports: ["websocket"]`.';
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
