import { codeOf } from "../broker/refusal.ts";
import { errors, type FieldError, type Problem } from "../contracts/errors.ts";

interface ErrorData {
  errors?: FieldError[];
  /** Seconds. */
  retryAfter?: number;
  /** The methods of a path, as in the Allow header. */
  allow?: string;
}

/** RFC 9457 problem details. A client sees the reason for a 4xx, and only the code of a 5xx. */
export function problemOf(error: unknown, requestId: string): Problem {
  const code = codeOf(error);
  const { status, title } = errors[code];
  const { errors: fields } = dataOf(error);
  return {
    type: `urn:souk:error:${code}`,
    title,
    status,
    code,
    detail: status < 500 ? (error as Error).message : title,
    requestId,
    ...(code === "BAD_DATA" && Array.isArray(fields) && { errors: fields }),
  };
}

/** The headers that belong to a problem. */
export function problemHeaders(error: unknown, { code, status }: Problem): Record<string, string> {
  const { retryAfter = 1, allow } = dataOf(error);
  if (status === 401) return { "WWW-Authenticate": "Bearer" };
  if (code === "UNAVAILABLE" || code === "TOO_MANY_REQUESTS")
    return { "Retry-After": String(Math.ceil(retryAfter)) };
  if (code === "METHOD_NOT_ALLOWED" && allow) return { Allow: allow };
  return {};
}

/** Whether the request was refused on purpose, with a time to retry. */
export const isRetryable = (error: unknown) => dataOf(error).retryAfter !== undefined;

const dataOf = (error: unknown): ErrorData => (error as { data?: ErrorData } | null)?.data ?? {};
