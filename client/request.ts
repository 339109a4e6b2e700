import type { Actions } from "../contracts/actions.ts";
import { idempotencyHeader, routes, type Route } from "../contracts/routes.ts";
import type { ParamsOf, ResultOf } from "../contracts/schema.ts";
import { errorOfAnswer, noAnswer } from "./souk-error.ts";

/** An action that has a route. */
export type RoutedAction = (typeof routes)[number]["action"];
export type Params<A extends RoutedAction> = ParamsOf<Actions[A]>;
export type Result<A extends RoutedAction> = ResultOf<Actions[A]>;

/** The part of `fetch` that the client uses. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<{
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

/** For one attempt. The server answers within ten seconds. */
const requestTimeoutMs = 12_000;

const routesByAction = new Map<RoutedAction, Route>(routes.map((route) => [route.action, route]));
export const routeOf = (action: RoutedAction): Route => routesByAction.get(action)!;

/** Sends single requests, without retries. Throws a SoukError. */
export class HttpClient {
  readonly #url: string;
  readonly #fetch: Fetch;

  constructor(url: string, fetch: Fetch) {
    this.#url = url;
    this.#fetch = fetch;
  }

  call<A extends RoutedAction>(
    action: A,
    params: Params<A>,
    options: RequestOptions = {},
  ): Promise<Result<A>> {
    return this.#send(toRequest(routeOf(action), params), options) as Promise<Result<A>>;
  }

  /** For paths outside the table of routes. An answer with one of the `accepted` statuses is no error. */
  get(path: string, options: RequestOptions = {}, ...accepted: number[]): Promise<unknown> {
    return this.#send({ method: "GET", path }, options, accepted);
  }

  async #send(
    { method, path, body, key }: RequestParts,
    { token, signal }: RequestOptions,
    accepted: number[] = [],
  ) {
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(requestTimeoutMs);
    const init = {
      method,
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...(key !== undefined && { [idempotencyHeader]: encode(key) }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    };
    let response, answer;
    try {
      response = await this.#fetch(this.#url + path, init);
      answer = parseJson(await response.text());
    } catch (cause) {
      signal?.throwIfAborted();
      throw noAnswer(cause);
    }
    const { ok, status, headers } = response;
    // Souk answers in JSON. Any other answer is from a proxy or a captive portal.
    if (answer === undefined && ok) throw noAnswer("The answer is not JSON.");
    if (!ok && !accepted.includes(status))
      throw errorOfAnswer(status, answer, headers.get("retry-after"));
    return answer;
  }
}

interface RequestParts {
  method: string;
  path: string;
  body?: object | undefined;
  key?: string | undefined;
}

export interface RequestOptions {
  token?: string | undefined;
  /** When it is aborted, the request is cancelled and rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Encodes by code points. A lone surrogate, such as the half of an emoji that a cut text ends with, becomes U+FFFD. */
const encode = (value: unknown) => encodeURIComponent(String(value).toWellFormed());

/** Distributes the params: first into the path, the key of a creating call into its header, the rest into the query of a GET or DELETE and the body of other methods. */
function toRequest({ method, path, success }: Route, params: object): RequestParts {
  const rest = new Map(Object.entries(params).filter(([, value]) => value !== undefined));
  const key = success === 201 ? (rest.get("idempotencyKey") as string | undefined) : undefined;
  if (key !== undefined) rest.delete("idempotencyKey");
  const filledPath = path.replace(/:(\w+)/g, (_, name: string) => {
    const value = encode(rest.get(name));
    rest.delete(name);
    return value;
  });
  if (method !== "GET" && method !== "DELETE")
    return {
      method,
      path: filledPath,
      key,
      body: rest.size > 0 ? Object.fromEntries(rest) : undefined,
    };
  const query = [...rest].map(([name, value]) => `${name}=${encode(value)}`).join("&");
  return { method, path: query ? `${filledPath}?${query}` : filledPath };
}

/** Returns `null` for an empty text and `undefined` when it is not JSON. */
function parseJson(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return undefined;
  }
}
