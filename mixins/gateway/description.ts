import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { openapi } from "../../contracts/openapi.ts";
import { fixedHeaders } from "./headers.ts";
import { finish } from "./server.ts";

/** Made once: it changes with the contract, so with a release, and its tag tells whether it has. */
const text = JSON.stringify(openapi());
const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
const headers = {
  ...fixedHeaders,
  "cache-control": "no-cache",
  "content-type": "application/json; charset=utf-8",
  "content-length": Buffer.byteLength(text),
  etag,
};

/** GET /openapi.json */
export function describe(req: IncomingMessage, res: ServerResponse & { requestId: string }): void {
  const isKnown = req.headers["if-none-match"]?.split(/\s*,\s*/).some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
  const { "content-length": _, "content-type": __, ...unchanged } = headers;
  res.writeHead(isKnown ? 304 : 200, { ...(isKnown ? unchanged : headers), "x-request-id": res.requestId });
  finish(req, res, isKnown ? undefined : text);
}
