import type { IncomingMessage, RequestListener, ServerOptions, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { http } from "./node-http.ts";

/** Requests of one connection that may wait for their responses. Browsers and proxies send one after the other. */
export const maxUnanswered = 16;

/** The part of Node's parser that is used here. Returning 2 skips the rest of what was read. */
interface Parser {
  onIncoming(request: IncomingMessage, shouldKeepAlive: boolean): number;
}
const skipRest = 2;

const requestEvents: unknown[] = ["request", "checkContinue", "checkExpectation"];

/** Kept in the socket: an entry of a WeakMap costs more with each request. */
const unanswered = Symbol("requests without a response");
type CountedSocket = Socket & { parser?: Parser; [unanswered]?: number };

/** A listener without a closure. Node emits `close` of a response once. */
function countAnswered(this: ServerResponse): void {
  (this.req.socket as CountedSocket)[unanswered]!--;
}

/**
 * An HTTP server that closes a connection when more requests wait for their responses than it may have in the pipeline.
 * Node handles everything that it has read, up to 64 KB, before it writes a response, and 64 KB hold 1,700 requests. Nothing
 * documented stops it in between, so this stops its parser.
 */
export class PipelineLimitedServer extends http.Server {
  constructor(options: ServerOptions, handle: RequestListener) {
    super(options, handle);
    this.on("connection", (socket: CountedSocket) => {
      const { parser } = socket;
      const next = parser?.onIncoming;
      if (!parser || !next) return;
      parser.onIncoming = (request, shouldKeepAlive) => {
        if ((socket[unanswered] ?? 0) < maxUnanswered) return next(request, shouldKeepAlive);
        socket.destroy();
        return skipRest;
      };
    });
  }

  // Not a listener: Socket.IO replaces those of `request`.
  override emit(event: string, ...args: unknown[]): boolean {
    if (requestEvents.includes(event)) count(...(args as [IncomingMessage, ServerResponse]));
    return super.emit(event, ...args);
  }
}

function count({ socket }: IncomingMessage, response: ServerResponse): void {
  const counted = socket as CountedSocket;
  counted[unanswered] = (counted[unanswered] ?? 0) + 1;
  response.on("close", countAnswered);
}
