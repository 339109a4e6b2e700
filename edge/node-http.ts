import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Node's HTTP module without its ESM wrapper. An `import` of it reads all exports, also WebSocket, and so
 * loads Node's `fetch`, which takes 4 MB and is not used here.
 */
export const http = process.getBuiltinModule("node:http");

/** A request to api. */
export type Request = IncomingMessage;
/** Its response; the request id is set before the first step, the route's template and the user's id once they are known. */
export type Response = ServerResponse & { requestId: string; route?: string; userId?: string };
