import { beginRefusals, type Meter } from "../broker/metrics/meter.ts";
import type { Request, Response } from "./node-http.ts";

/** The methods that routes have. A client may send any word. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** The method of a request, or `other`. */
export const methodOf = (method = "") => (methods.has(method) ? method : "other");

/** What is known of each request when its response is closed: its duration, for the node's metrics. */
export class AccessLog {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
    beginRefusals("http", meter);
  }

  begin(req: Request, res: Response): void {
    if (!this.#meter.isOn) return;
    const startedAt = performance.now();
    res.once("close", () => this.#end(req, res, performance.now() - startedAt));
  }

  #end({ method }: Request, res: Response, ms: number): void {
    const labels = {
      method: methodOf(method),
      route: res.route ?? "none",
      // Without headers the client was gone before there was an answer.
      status: res.headersSent ? `${Math.floor(res.statusCode / 100)}xx` : "none",
    };
    this.#meter.observe("souk_http_request_duration_seconds", ms / 1000, labels);
  }
}
