import type { Actions } from "../contracts/actions.ts";
import { routes, type Route } from "../contracts/routes.ts";
import type { ParamsOf, ResultOf } from "../contracts/schema.ts";
import { failure, unanswered } from "./souk-error.ts";

/** What a route leads to. */
export type Routed = (typeof routes)[number]["action"];
export type Params<A extends Routed> = ParamsOf<Actions[A]>;
export type Result<A extends Routed> = ResultOf<Actions[A]>;

/** As much of fetch as is needed. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; signal: AbortSignal },
) => Promise<{
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

export interface Http {
  /** One attempt. */
  ask<A extends Routed>(action: A, params: Params<A>, token?: string): Promise<Result<A>>;
  /** What is served beside the routes; an answer with one of the `also` statuses is one too. */
  get(path: string, ...also: number[]): Promise<unknown>;
}

/** Milliseconds for an attempt. The server answers within ten seconds. */
const answerWithin = 12_000;

const table = new Map<Routed, Route>(routes.map((route) => [route.action, route]));
export const routeOf = (action: Routed): Route => table.get(action)!;

export function http(url: string, fetch: Fetch): Http {
  async function send(
    method: string,
    path: string,
    body?: object,
    token?: string,
    also: number[] = [],
  ): Promise<unknown> {
    const headers = {
      ...(body && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const signal = AbortSignal.timeout(answerWithin);
    let response, answer;
    try {
      response = await fetch(url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
        signal,
      });
      answer = parsed(await response.text());
    } catch (cause) {
      throw unanswered(cause);
    }
    const { ok, status } = response;
    // An answer that is not JSON is not Souk's: a proxy's error page, the sign-in page of a hotel.
    if (answer === undefined && ok) throw unanswered("not JSON");
    if (!ok && !also.includes(status))
      throw failure(status, answer, response.headers.get("retry-after"));
    return answer;
  }

  return {
    ask(action, params, token) {
      const { method, path, body } = requestOf(routeOf(action), params);
      return send(method, path, body, token) as Promise<Result<typeof action>>;
    },
    get: (path, ...also) => send("GET", path, undefined, undefined, also),
  };
}

/** Where each param goes: into the path, else the query of a GET or DELETE, else the body. */
function requestOf({ method, path, ...route }: Route, params: object) {
  const rest = new Map(Object.entries(params).filter(([, value]) => value !== undefined));
  const filled = path.replace(/:(\w+)/g, (_, name: string) => {
    const value = String(rest.get(name));
    rest.delete(name);
    return encodeURIComponent(value);
  });
  if (method !== "GET" && method !== "DELETE")
    return {
      ...route,
      method,
      path: filled,
      body: rest.size > 0 ? Object.fromEntries(rest) : undefined,
    };
  const query = [...rest]
    .map(([name, value]) => `${name}=${encodeURIComponent(value as string)}`)
    .join("&");
  return { method, path: query ? `${filled}?${query}` : filled, body: undefined };
}

/** `null` for nothing, `undefined` for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return undefined;
  }
}
