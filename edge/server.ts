import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { Server as NetServer, type AddressInfo, type Socket } from "node:net";
import { randomUUID } from "node:crypto";
import { refusal } from "../broker/refusal.ts";
import { http } from "./node-http.ts";
import { limitConnections } from "./connection-limit.ts";
import { fixedHeaders } from "./headers.ts";
import { problemOf } from "./problem.ts";

/** Milliseconds after which a request that is still incomplete is closed: with the second between two looks, by 15 s. */
const completeWithin = 14_000;
/** Milliseconds that an idle connection is kept: longer than proxies keep theirs (60 s), so that they never write into a closing one. */
const keepIdle = 65_000;
/** A thousand clients may knock in the same instant; the system's own limit (somaxconn) is often 4096. */
const backlog = 4096;
/** Milliseconds that a client who is still sending gets to read an answer that did not wait for the rest. */
const lingering = 2_000;
/** Milliseconds that a client gets to take an answer, a few hundred KB at most: what the system has buffered counts as taken. */
const takenWithin = 20_000;

export function createServer(handle: RequestListener): Server {
  const server = http.createServer(
    {
      requestTimeout: completeWithin,
      headersTimeout: completeWithin,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: keepIdle,
      // Refused by the handler instead, in the contract's words.
      requireHostHeader: false,
      // Of two Host or Authorization headers Node would keep the first, where a proxy may have read the last: together they are neither.
      joinDuplicateHeaders: true,
    },
    handle,
  );
  // An expectation that nobody knows is no reason to answer outside the contract.
  server.on("checkExpectation", handle);
  server.on("clientError", refuseUnreadable);
  limitConnections(server);
  return server;
}

/** Resolves with the address once connections are accepted; rejects with a sentence for the operator. */
export function listen(
  server: Server,
  port: number,
  host: string,
  name = "PORT",
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      reject(new Error(whyDeaf(error, port, host, name), { cause: error }));
    server.once("error", fail).listen({ port, host, backlog }, () => {
      server.off("error", fail);
      resolve(server.address() as AddressInfo);
    });
  });
}

/**
 * Accepts no more connections; `onClosed` when the last has ended. Not as HTTP's own `close`, which at once ends those between two requests:
 * the next one may be on its way.
 */
export function stopAccepting(server: Server, onClosed: () => void): void {
  NetServer.prototype.close.call(server, onClosed);
}

function whyDeaf(error: NodeJS.ErrnoException, port: number, host: string, name: string): string {
  if (error.code === "EADDRINUSE")
    return `${name} ${port} on ${host} is taken by another process: stop that one, or choose another ${name}.`;
  if (error.code === "EACCES")
    return `${name} ${port} on ${host} is not open to this user: choose a ${name} above 1023.`;
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND")
    return `HOST ${host} is no address of this machine: choose another HOST.`;
  return `${name} ${port} on ${host} cannot be listened on: ${error.message}.`;
}

/**
 * Sends the whole answer. A client that is still sending its request may finish that, for a moment, so that it gets to read this. One
 * that does not take the answer would keep it, and its connection, for ever.
 */
export function finish(req: IncomingMessage, res: ServerResponse, body?: string | Buffer): void {
  res.end(body);
  if (!res.writableFinished) {
    const slow = setTimeout(() => req.socket.destroy(), takenWithin).unref();
    res.once("close", () => clearTimeout(slow));
  }
  if (req.complete) return;
  const timer = setTimeout(() => req.socket.destroy(), lingering);
  req.once("close", () => clearTimeout(timer)).resume();
}

/** What is no HTTP, or HTTP that never ends, has no request to answer: the contract's problem is written as it is. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  const { _httpMessage: answering } = socket as { _httpMessage?: ServerResponse };
  if (
    !socket.writable ||
    socket.writableEnded ||
    error.code === "ECONNRESET" ||
    answering?.headersSent
  )
    return void socket.destroy();
  const problem = problemOf(
    unreadable[error.code ?? ""] ?? refusal("BAD_DATA", "This is not HTTP"),
    randomUUID(),
  );
  const body = JSON.stringify(problem);
  const headers = {
    ...fixedHeaders,
    "x-request-id": problem.requestId,
    "content-type": "application/problem+json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${http.STATUS_CODES[problem.status]}\r\n${lines.join("")}\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), lingering).unref();
}

const unreadable: Record<string, Error> = {
  HPE_HEADER_OVERFLOW: refusal("TOO_LARGE", "The address and headers may have at most 16 KB"),
  ERR_HTTP_REQUEST_TIMEOUT: refusal("BAD_DATA", "The request did not arrive in time"),
};
