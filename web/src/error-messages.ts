import { SoukError } from "./souk.ts";
import { t } from "./texts.ts";

/** Whether a part of the market is unavailable, so that the call can be repeated later. */
export const isUnavailable = (error: unknown) =>
  error instanceof SoukError && (error.status === 0 || error.status >= 500);

/** Whether the id in the address belongs to nothing, or is not valid. */
export const isNotFound = (error: unknown) =>
  error instanceof SoukError && (error.status === 404 || error.status === 400);

/** A sentence for the visitor, where a view has no text of its own for an error. */
export function errorText(error: unknown): string {
  if (!(error instanceof SoukError)) return t.error.onThisPage;
  if (error.code === "TOO_MANY_REQUESTS")
    return t.error.tooManyRequests(Math.ceil(error.retryAfter ?? 10));
  // A newer server may have codes that this page does not know.
  return t.errors[error.code] ?? (isUnavailable(error) ? t.errors.UNAVAILABLE : t.errors.BAD_DATA);
}
