import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { fixedHeaders } from "./headers.ts";
import type { Request, Response } from "./node-http.ts";
import { problemHeaders, problemOf } from "./problem.ts";

/** Milliseconds that a client may continue to send a request whose response did not wait for the rest. */
export const lingerTimeoutMs = 2_000;
/** Milliseconds in which a client must take its response of at most a few hundred KB. What the system has buffered counts as taken. */
const sendTimeoutMs = 20_000;

/**
 * Sends a whole response. A body that is not a Buffer is sent as JSON. Does nothing when a response was
 * sent already, or the client has disconnected.
 */
export function reply(
  req: Request,
  res: Response,
  status: number,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  if (res.headersSent || res.destroyed) return;
  const isEmpty = body === undefined || status === 204;
  const bytes = isEmpty ? undefined : Buffer.isBuffer(body) ? body : toJson(body);
  res.writeHead(status, {
    ...fixedHeaders,
    "x-request-id": res.requestId,
    ...(bytes && {
      "content-type": "application/json; charset=utf-8",
      "content-length": bytes.length,
    }),
    ...headers,
  });
  endResponse(req, res, bytes);
}

const toJson = (body: unknown) => Buffer.from(JSON.stringify(body));

/** Sends an error as RFC 9457 problem details. */
export function replyProblem(req: Request, res: Response, error: unknown): void {
  const problem = problemOf(error, res.requestId);
  reply(req, res, problem.status, problem, {
    "content-type": "application/problem+json; charset=utf-8",
    ...problemHeaders(error, problem),
  });
}

/**
 * Ends a response, and its connection when the client does not take the response in time. A client that
 * is still sending gets a moment to finish, so that it reads this response instead of a reset.
 */
export function endResponse(
  req: IncomingMessage,
  res: ServerResponse,
  body?: string | Buffer,
): void {
  res.end(body);
  if (res.writableLength > 0) {
    const timer = setTimeout(() => req.socket.destroy(), sendTimeoutMs).unref();
    res.once("close", () => clearTimeout(timer));
  }
  if (req.complete) return;
  const timer = setTimeout(() => req.socket.destroy(), lingerTimeoutMs);
  req.once("close", () => clearTimeout(timer)).resume();
}
