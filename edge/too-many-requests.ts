import { refusal } from "../broker/refusal.ts";

/** The error of a full rate limit; `waitMs` until its window ends. */
export const tooManyRequests = (detail: string, waitMs: number) =>
  refusal("TOO_MANY_REQUESTS", detail, { retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) });
