import { Errors } from "moleculer";
import { errors, type ErrorCode, type FieldError } from "../contracts/errors.ts";

/**
 * Makes the error for a code of the contract, to be thrown. Its code travels as `type`. On another node it arrives
 * as Moleculer's own class, so catch it by `codeOf(error)`, never by class.
 */
export function refusal(
  code: ErrorCode,
  detail: string = errors[code].title,
  data?: object,
): Error {
  return new Errors.MoleculerError(detail, errors[code].status, code, data);
}

/** BAD_DATA with a list of faulty fields. */
export const badData = (problems: FieldError[]) =>
  refusal(
    "BAD_DATA",
    problems.map(({ field, message }) => (field ? `${field} ${message}` : message)).join("; "),
    { errors: problems },
  );

/** The contract's code for any error of a call, including Moleculer's own: service unavailable, timeout, queue full. */
export function codeOf(error: unknown): ErrorCode {
  const { type, name } = (error ?? {}) as { type?: string; name?: string };
  if (type && Object.hasOwn(errors, type)) return type as ErrorCode;
  if (name === "RequestTimeoutError") return "TIMEOUT";
  return unavailable.has(name ?? "") || type === "BAD_GATEWAY" ? "UNAVAILABLE" : "INTERNAL";
}

/** Moleculer's errors for a service that cannot answer now. It uses status 404 for an unavailable service. */
const unavailable = new Set([
  "ServiceNotFoundError",
  "ServiceNotAvailableError",
  "RequestRejectedError",
  "RequestSkippedError",
  "QueueIsFullError",
  "BrokerDisconnectedError",
  "GracefulStopTimeoutError",
]);
