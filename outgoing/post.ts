import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { checkUrl } from "./strangers-url.ts";
import { guardedLookup, PrivateAddress, resolvePublicly, type Resolve } from "./resolve.ts";

/** From the first byte sent to the last header received (ms). A call between services takes up to 5 s. */
const timeoutMs = 4_000;
/** Connections to one host. Further requests wait for them, within their own time. */
const maxConnections = 20;
/** Idle connections to all hosts, and how long each is kept (ms). */
const maxIdle = 50;
const idleMs = 10_000;
/** The longest `Retry-After` that counts (ms). */
const maxRetryAfterMs = 24 * 3_600_000;

export interface Posted {
  status: number;
  /** From the header `Retry-After` (ms). */
  retryAfterMs?: number;
}

/** Why there is no answer. `isRefused`: Souk does not send to such a URL or host. `isLate`: the time limit ended. */
export class NotSent extends Error {
  readonly isRefused: boolean;
  readonly isLate: boolean;
  constructor(reason: string, cause?: "refused" | "late") {
    super(reason);
    [this.isRefused, this.isLate] = [cause === "refused", cause === "late"];
  }
}

/**
 * Loaded by the first request, and without their ESM wrappers: those read all exports, also WebSocket, and so load Node's `fetch`,
 * which takes 4 MB and is not used here.
 */
const modules = () => ({
  http: process.getBuiltinModule("node:http"),
  https: process.getBuiltinModule("node:https"),
});

interface Options {
  isLoopbackAllowed: boolean;
  resolve?: Resolve;
  timeoutMs?: number;
}

/**
 * Sends requests to URLs that strangers gave: to public hosts only, checked when a connection is opened, without redirects, cookies
 * or credentials, within a limited time. Of the answer only status and headers are read.
 */
export class Outgoing {
  readonly #isLoopbackAllowed: boolean;
  readonly #timeoutMs: number;
  readonly #lookup;
  #agents: { "https:": HttpsAgent; "http:": HttpAgent } | undefined;

  constructor(options: Options) {
    this.#isLoopbackAllowed = options.isLoopbackAllowed;
    this.#timeoutMs = options.timeoutMs ?? timeoutMs;
    this.#lookup = guardedLookup(options.resolve ?? resolvePublicly, options.isLoopbackAllowed);
  }

  /** Ends the idle connections. */
  close(): void {
    for (const agent of Object.values(this.#agents ?? {})) agent.destroy();
  }

  #openAgents() {
    const { http, https } = modules();
    const pool = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxIdle };
    return (this.#agents ??= {
      "https:": new https.Agent({ ...pool, timeout: idleMs, minVersion: "TLSv1.2" }),
      "http:": new http.Agent({ ...pool, timeout: idleMs }),
    });
  }

  /** Throws NotSent when there is no answer in time, or the URL is refused. */
  async post(
    text: string,
    headers: Record<string, string>,
    body: string | Buffer,
    { timeoutMs = this.#timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<Posted> {
    const fault = checkUrl(text, this.#isLoopbackAllowed);
    if (fault) throw new NotSent(`The URL ${fault}.`, "refused");
    const url = new URL(text);
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#send(url, headers, body, deadline);
    } catch (error) {
      if (deadline.aborted)
        throw new NotSent(`There was no answer within ${timeoutMs} ms.`, "late");
      if (error instanceof PrivateAddress) throw new NotSent("The host is not public.", "refused");
      throw new NotSent(`The request failed: ${(error as NodeJS.ErrnoException).code ?? "ERROR"}.`);
    }
  }

  #send(url: URL, headers: Record<string, string>, body: string | Buffer, signal: AbortSignal) {
    const isTls = url.protocol === "https:";
    const options = {
      method: "POST",
      agent: this.#openAgents()[isTls ? "https:" : "http:"],
      lookup: this.#lookup,
      headers: { "user-agent": "Souk", ...headers, "content-length": Buffer.byteLength(body) },
      signal,
    };
    const { http, https } = modules();
    return new Promise<Posted>((resolve, reject) => {
      const request = (isTls ? https : http).request(url, options, (response) => {
        const { statusCode, headers } = response;
        resolve({ status: statusCode!, ...retryAfterOf(headers["retry-after"]) });
        // An answer without a body leaves its connection to the next request. Any other is not read.
        if (headers["content-length"] === "0" || statusCode === 204) response.resume();
        else response.destroy();
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}

/** Seconds, or a date by the receiver's clock. */
function retryAfterOf(value: string | undefined): Pick<Posted, "retryAfterMs"> {
  if (value === undefined) return {};
  const ms = /^\d{1,9}$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms >= 0 ? { retryAfterMs: Math.min(ms, maxRetryAfterMs) } : {};
}
