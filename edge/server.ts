import type { RequestListener, Server } from "node:http";
import { Server as NetServer, type AddressInfo } from "node:net";
import { limitConnections } from "./connection-limit.ts";
import { PipelineLimitedServer } from "./pipelining.ts";
import type { OriginPolicy } from "./policy/origins.ts";
import { replyToConnect, replyToUnreadable } from "./unreadable.ts";

/** Milliseconds in which a request must be complete. Node checks once a second, so it is closed within 15 s. */
const requestTimeoutMs = 14_000;
/** Milliseconds until an idle connection is closed: more than the 60 s of usual proxies, so that they never write to a closing connection. */
const keepAliveTimeoutMs = 65_000;
/** A thousand clients may connect at once. The system's own limit (somaxconn) is often 4096. */
const backlog = 4096;

/** An HTTP server with time limits, and without Node's own error responses. `origins` may read why their requests were not valid HTTP. */
export function createServer(
  handle: RequestListener,
  origins: OriginPolicy = { listed: [], localhost: false },
): Server {
  const server = new PipelineLimitedServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: keepAliveTimeoutMs,
      // The handler refuses it, as problem details.
      requireHostHeader: false,
      // Node would keep the first of two Host or Authorization headers, where a proxy may have read the last. Joined they are invalid.
      joinDuplicateHeaders: true,
    },
    handle,
  );
  // Node would answer an unknown Expect header with its own response.
  server.on("checkExpectation", handle);
  server.on("clientError", replyToUnreadable(origins));
  server.on("connect", replyToConnect(origins));
  limitConnections(server);
  return server;
}

/** Resolves with the address once the server accepts connections; rejects with a sentence for the operator. `name` is the variable of the port. */
export function listen(
  server: Server,
  port: number,
  host: string,
  name = "PORT",
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(new Error(listenFailure(error, port, host, name), { cause: error }));
    server.once("error", fail).listen({ port, host, backlog }, () => {
      server.off("error", fail);
      resolve(server.address() as AddressInfo);
    });
  });
}

/**
 * Accepts no more connections, and calls `onClosed` when the last one has ended. HTTP's own `close` would
 * also end connections between two requests at once, where the next request may be on its way.
 */
export function stopAccepting(server: Server, onClosed: () => void): void {
  NetServer.prototype.close.call(server, onClosed);
}

function listenFailure(
  error: NodeJS.ErrnoException,
  port: number,
  host: string,
  name: string,
): string {
  if (error.code === "EADDRINUSE")
    return `${name} ${port} on ${host} is taken by another process: stop that one, or choose another ${name}.`;
  if (error.code === "EACCES")
    return `${name} ${port} on ${host} needs more rights. Choose a ${name} above 1023.`;
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND") return hostFailure(host, name);
  return `The server cannot listen on ${name} ${port} of ${host}: ${error.message}.`;
}

function hostFailure(host: string, portName: string): string {
  const name = portName === "METRICS_PORT" ? "METRICS_HOST" : "HOST";
  return `${name} ${host} is not an address of this machine. Choose another ${name}.`;
}
