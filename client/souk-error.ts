import type { ErrorCode, FieldError, Problem } from "../contracts/errors.ts";

/** Every way a call can fail. Match on `code`. */
export class SoukError extends Error {
  override readonly name = "SoukError";
  readonly code: ErrorCode;
  /** Of the HTTP answer; 0 when there was none. */
  readonly status: number;
  readonly detail: string;
  /** With `BAD_DATA`: what is wrong with which field. */
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

/** Whoever answers in Souk's place (a proxy) has no code of ours. */
const codes: Record<number, ErrorCode> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  413: "TOO_LARGE",
  429: "TOO_MANY_REQUESTS",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "TIMEOUT",
};

/** The error that an HTTP answer is. */
export function failure(status: number, body: unknown, retryAfter: string | null): SoukError {
  const { code, detail, errors, requestId } = (body ?? {}) as Partial<Problem>;
  return new SoukError(
    code ?? codes[status] ?? (status < 500 ? "BAD_DATA" : "INTERNAL"),
    detail ?? `The answer was ${status}`,
    {
      status,
      ...(errors && { errors }),
      ...(requestId && { requestId }),
      ...(retryAfter && { retryAfter: secondsOf(retryAfter) }),
    },
  );
}

/** Retry-After is a number of seconds or a date. */
function secondsOf(header: string): number {
  const seconds = Number(header);
  return Number.isNaN(seconds)
    ? Math.max(0, (Date.parse(header) - Date.now()) / 1000 || 0)
    : seconds;
}

/** There was no answer. */
export const unanswered = (cause: unknown) =>
  (cause as Error | undefined)?.name === "TimeoutError"
    ? new SoukError("TIMEOUT", "There was no answer in time", { cause })
    : new SoukError("UNAVAILABLE", "The market cannot be reached", { cause });

export const signInFirst = (detail = "Sign in first") =>
  new SoukError("UNAUTHENTICATED", detail, { status: 401 });

export const isCode = (error: unknown, ...codes: ErrorCode[]) =>
  error instanceof SoukError && codes.includes(error.code);
