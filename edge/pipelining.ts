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

/**
 * An HTTP server that closes a connection when more requests wait for their responses than it may have in the pipeline.
 * Node handles everything that it has read, up to 64 KB, before it writes a response, and 64 KB hold 1,700 requests. Nothing
 * documented stops it in between, so this stops its parser.
 */
export class PipelineLimitedServer extends http.Server {
  readonly #unanswered = new WeakMap<Socket, number>();

  constructor(options: ServerOptions, handle: RequestListener) {
    super(options, handle);
    this.on("connection", (socket: Socket & { parser?: Parser }) => {
      const { parser } = socket;
      const next = parser?.onIncoming;
      if (!parser || !next) return;
      parser.onIncoming = (request, shouldKeepAlive) => {
        if (this.#countOf(socket) < maxUnanswered) return next(request, shouldKeepAlive);
        socket.destroy();
        return skipRest;
      };
    });
  }

  // Not a listener: Socket.IO replaces those of `request`.
  override emit(event: string, ...args: unknown[]): boolean {
    if (requestEvents.includes(event)) this.#count(...(args as [IncomingMessage, ServerResponse]));
    return super.emit(event, ...args);
  }

  #countOf(socket: Socket): number {
    return this.#unanswered.get(socket) ?? 0;
  }

  #count({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#unanswered.set(socket, this.#countOf(socket) + 1);
    response.once("close", () => this.#unanswered.set(socket, this.#countOf(socket) - 1));
  }
}
