import type { ErrorCode, FieldError, Problem } from "../contracts/errors.ts";

/** The error of every call that fails. Match on `code`. */
export class SoukError extends Error {
  override readonly name = "SoukError";
  readonly code: ErrorCode;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly detail: string;
  /** With `BAD_DATA`: the invalid fields. */
  readonly errors?: FieldError[];
  readonly requestId?: string;
  /** Seconds. */
  readonly retryAfter?: number;

  constructor(
    code: ErrorCode,
    detail: string,
    more: {
      status?: number;
      errors?: FieldError[];
      requestId?: string;
      retryAfter?: number;
      cause?: unknown;
    } = {},
  ) {
    const { cause, status = 0, ...rest } = more;
    super(detail, { cause });
    this.code = code;
    this.status = status;
    this.detail = detail;
    Object.assign(this, rest);
  }
}

/** The codes of answers without a problem document: a proxy sent them. */
const codesByStatus: Record<number, ErrorCode> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  413: "TOO_LARGE",
  429: "TOO_MANY_REQUESTS",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "TIMEOUT",
};

/** The error for an HTTP answer; `retryAfter` is its header. */
export function errorOfAnswer(status: number, body: unknown, retryAfter: string | null): SoukError {
  const { code, detail, errors, requestId } = (body ?? {}) as Partial<Problem>;
  return new SoukError(
    code ?? codesByStatus[status] ?? (status < 500 ? "BAD_DATA" : "INTERNAL"),
    detail ?? `The server answered with status ${status}.`,
    {
      status,
      ...(errors && { errors }),
      ...(requestId && { requestId }),
      ...(retryAfter && { retryAfter: parseRetryAfter(retryAfter) }),
    },
  );
}

/** Retry-After is a number of seconds or a date. */
function parseRetryAfter(header: string): number {
  const seconds = Number(header);
  return Number.isNaN(seconds)
    ? Math.max(0, (Date.parse(header) - Date.now()) / 1000 || 0)
    : seconds;
}

/** The error for a request without an answer. */
export const noAnswer = (cause: unknown) =>
  (cause as Error | undefined)?.name === "TimeoutError"
    ? new SoukError("TIMEOUT", "The server did not answer in time.", { cause })
    : new SoukError("UNAVAILABLE", "The server cannot be reached.", { cause });

export const notSignedIn = (detail = "You are not signed in.") =>
  new SoukError("UNAUTHENTICATED", detail, { status: 401 });

export const isCode = (error: unknown, ...codes: ErrorCode[]) =>
  error instanceof SoukError && codes.includes(error.code);
