import { codeOf } from "../broker/refusal.ts";
import { errors, type FieldError, type Problem } from "../contracts/errors.ts";

interface Evidence {
  errors?: FieldError[];
  /** Seconds. */
  retryAfter?: number;
}

/** What a client is told of an error: of its own faults all, of ours the code alone. */
export function problemOf(error: unknown, requestId: string): Problem {
  const code = codeOf(error);
  const { status, title } = errors[code];
  const { errors: faults } = evidence(error);
  return {
    type: `urn:souk:error:${code}`,
    title,
    status,
    code,
    detail: status < 500 ? (error as Error).message : title,
    requestId,
    ...(code === "BAD_DATA" && Array.isArray(faults) && { errors: faults }),
  };
}

/** The headers that go with it. */
export function headersOf(error: unknown, { code }: Problem): Record<string, string> {
  if (code === "UNAUTHENTICATED") return { "WWW-Authenticate": "Bearer" };
  if (code === "UNAVAILABLE" || code === "TOO_MANY_REQUESTS")
    return { "Retry-After": String(Math.ceil(evidence(error).retryAfter ?? 1)) };
  if (code === "METHOD_NOT_ALLOWED")
    return { Allow: (error as { data: { allow: string } }).data.allow };
  return {};
}

const evidence = (error: unknown): Evidence =>
  (error as { data?: Evidence } | undefined)?.data ?? {};
