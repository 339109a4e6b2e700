import type { Fetch } from "../../client/index.ts";

export interface Asked {
  method: string;
  path: string;
  token?: string;
  /** The idempotency key. */
  key?: string;
  body?: Record<string, unknown>;
  /** Milliseconds. */
  at: number;
}

export type Answer = [status: number, body?: unknown, headers?: Record<string, string>];

/** A `fetch` for clients that records requests, and can answer instead of the server or fail. */
export class RecordingFetch {
  readonly asked: Asked[] = [];
  /** Answers instead of the server, or fails by throwing. Without an answer the request goes to the server. */
  instead: (asked: Asked) => Answer | undefined | Promise<Answer | undefined> = () => undefined;
  /** May change the body of the server's response. */
  changed: (asked: Asked, body: never) => unknown = (_, body) => body;

  readonly fetch: Fetch = async (url, init) => {
    const { pathname, search } = new URL(url, "http://fake.test");
    const token = init.headers.authorization?.replace("Bearer ", "");
    const key = init.headers["Idempotency-Key"];
    const asked: Asked = {
      method: init.method,
      path: pathname + search,
      at: performance.now(),
      ...(token && { token }),
      ...(key !== undefined && { key }),
    };
    if (init.body) asked.body = JSON.parse(init.body) as Record<string, unknown>;
    this.asked.push(asked);
    const answer = await this.instead(asked);
    if (answer) return responseOf(...answer);
    const response = await fetch(url, init);
    if (response.status === 204) return response;
    const body = await this.changed(asked, (await response.json()) as never);
    return responseOf(response.status, body, Object.fromEntries(response.headers));
  };

  /** The requests to this path. */
  to(path: string): Asked[] {
    return this.asked.filter((one) => one.path === path);
  }
}

const responseOf = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
  new Response(
    body === undefined || status === 204
      ? null
      : typeof body === "string"
        ? body
        : JSON.stringify(body),
    { status, headers },
  );

/** Fails as `fetch` does when the server is unreachable. */
export const networkDown = (): never => {
  throw new TypeError("fetch failed");
};

export const problem = (status: number, code: string, headers?: Record<string, string>): Answer => [
  status,
  {
    type: `urn:souk:error:${code}`,
    title: code,
    status,
    code,
    detail: `It is ${code}`,
    requestId: "r1",
  },
  headers,
];
