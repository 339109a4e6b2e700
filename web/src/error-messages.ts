import { SoukError } from "./souk.ts";

/** Whether a part of the market is unavailable, so that the call can be repeated later. */
export const isUnavailable = (error: unknown) =>
  error instanceof SoukError && (error.status === 0 || error.status >= 500);

/** Whether the id in the address belongs to nothing, or is not valid. */
export const isNotFound = (error: unknown) =>
  error instanceof SoukError && (error.status === 404 || error.status === 400);

/** A sentence for the visitor, where a view has no text of its own for an error. */
export function errorText(error: unknown): string {
  if (!(error instanceof SoukError)) return "Something went wrong on this page.";
  if (error.code === "TOO_MANY_REQUESTS")
    return `Too many requests. Try again in ${error.retryAfter ?? 10} seconds.`;
  if (error.code === "INTERNAL") return "Something went wrong on our side.";
  if (isUnavailable(error)) return "The market is not available at the moment.";
  return `${error.detail || error.message}.`.replace(/\.\.$/, ".");
}
