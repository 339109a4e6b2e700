import { randomUUID } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { refusal } from "../broker/refusal.ts";
import { corsHeaders, fixedHeaders } from "./headers.ts";
import { http } from "./node-http.ts";
import { isAllowedOrigin, type OriginPolicy } from "./policy/origins.ts";
import { problemOf } from "./problem.ts";
import { lingerTimeoutMs } from "./reply.ts";

/** An error of Node's parser. `rawPacket` is what was read last, up to 64 KB. */
type ParserError = NodeJS.ErrnoException & { rawPacket?: Buffer };

/** Bytes that are not HTTP, or never complete a request, have no response object: the problem is written to the socket. */
export const replyToUnreadable =
  (origins: OriginPolicy) =>
  (error: ParserError, socket: Socket): void => {
    const { _httpMessage: response } = socket as { _httpMessage?: ServerResponse };
    if (
      !socket.writable ||
      socket.writableEnded ||
      error.code === "ECONNRESET" ||
      response?.headersSent
    )
      return void socket.destroy();
    const reason = unreadable[error.code ?? ""];
    endWithProblem(socket, reason ?? refusal("BAD_DATA", "The request is not valid HTTP."), {
      ...(response?.getHeaders() ?? corsHeadersFor(error.rawPacket, origins)),
    });
  };

/** CONNECT asks for a tunnel. Node would close the connection without an answer. */
export const replyToConnect =
  (origins: OriginPolicy) =>
  ({ headers: { origin, host } }: IncomingMessage, socket: Duplex): void => {
    const isReadable = origin !== undefined && isAllowedOrigin(origin, host, origins);
    endWithProblem(
      // The cast: Node declares a Duplex, and gives the socket.
      socket as Socket,
      refusal("METHOD_NOT_ALLOWED", "This server is not a proxy."),
      isReadable ? corsHeaders(origin) : {},
    );
  };

/** Writes a problem to a connection without a response object, and closes it. */
export function endWithProblem(
  socket: Socket,
  error: Error,
  headers: OutgoingHttpHeaders = {},
): void {
  const problem = problemOf(error, randomUUID());
  const body = JSON.stringify(problem);
  const all = {
    ...fixedHeaders,
    "x-request-id": problem.requestId,
    ...headers,
    "content-type": "application/problem+json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${http.STATUS_CODES[problem.status]}\r\n${lines.join("")}\r\n${body}`,
  );
  setTimeout(() => socket.destroy(), lingerTimeoutMs).unref();
}

const unreadable: Record<string, Error> = {
  HPE_HEADER_OVERFLOW: refusal("TOO_LARGE", "The URL and headers may have at most 16 KB."),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: refusal("TOO_LARGE", "The chunk extensions are too long."),
  ERR_HTTP_REQUEST_TIMEOUT: refusal("BAD_DATA", "The request did not arrive in time."),
};

/**
 * The parser does not show the headers of a request that it refuses, so they are looked for in what was read last. A large
 * request arrives in several pieces; if none of its headers is known, any page may read that its request was not valid HTTP:
 * that depends on the request alone.
 */
function corsHeadersFor(read: Buffer | undefined, origins: OriginPolicy): Record<string, string> {
  const text = read?.toString("latin1") ?? "";
  const origin = headerIn(text, "origin");
  if (origin === undefined) return corsHeaders("*");
  return isAllowedOrigin(origin, headerIn(text, "host"), origins) ? corsHeaders(origin) : {};
}

/** The last header of this name: of several requests on one connection, the last is the one that was refused. */
function headerIn(text: string, name: string): string | undefined {
  const values = [...text.matchAll(new RegExp(`\\n${name}:([^\\r\\n]{0,300})\\r?\\n`, "gi"))];
  return values.at(-1)?.[1]!.trim();
}
