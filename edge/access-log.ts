import { beginRefusals, type Meter } from "../broker/metrics/meter.ts";
import type { Request, Response } from "./node-http.ts";

/** The methods that routes have. A client may send any word. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** The method of a request, or `other`. */
export const methodOf = (method = "") => (methods.has(method) ? method : "other");

/**
 * What is known of each request when its response is closed: its duration, for the node's metrics, and a line for the log. Lines have the
 * route's template, never a path, a query or an address.
 */
export class AccessLog {
  readonly #meter: Meter;
  readonly #write: ((line: string) => void) | undefined;

  /** Without `write` no lines are made. */
  constructor(meter: Meter, write?: (line: string) => void) {
    this.#meter = meter;
    this.#write = write;
    beginRefusals("http", meter);
  }

  begin(req: Request, res: Response): void {
    if (!this.#meter.isOn && !this.#write) return;
    const startedAt = performance.now();
    res.once("close", () => this.#end(req, res, performance.now() - startedAt));
  }

  #end(req: Request, res: Response, ms: number): void {
    const method = methodOf(req.method);
    const { route = "none", statusCode, requestId, userId = "none" } = res;
    // Without headers the client was gone before there was an answer.
    const status = res.headersSent ? statusCode : undefined;
    this.#meter.observe("souk_http_request_duration_seconds", ms / 1000, {
      ...{ method, route },
      status: status ? `${Math.floor(status / 100)}xx` : "none",
    });
    this.#write?.(
      `${method} ${route} status ${status ?? "none"} in ${ms.toFixed(1)} ms, request ${requestId}, user ${userId}`,
    );
  }
}
