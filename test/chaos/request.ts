import type { Problem } from "../../contracts/errors.ts";

/** Client timeout: well after the deadline of every response (ms). */
const timeoutMs = 15_000;

export interface Response<T> {
  status: number;
  body: T;
  headers: Headers;
}

/** Throws when the connection is lost or no response arrives within the timeout. */
export async function request<T = Problem>(
  api: string,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<Response<T>> {
  const response = await fetch(api + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text ? JSON.parse(text) : undefined) as T,
    headers: response.headers,
  };
}
