import { Errors } from "moleculer";
import { errors, type ErrorCode, type FieldError } from "../contracts/errors.ts";

/**
 * The error for one of the contract's codes; throw it. It crosses the wire as Moleculer's own class, with the code as its `type`:
 * catch by `codeOf(error)`, never by class.
 */
export function refusal(
  code: ErrorCode,
  detail: string = errors[code].title,
  data?: object,
): Error {
  return new Errors.MoleculerError(detail, errors[code].status, code, data);
}

/** BAD_DATA, with what is wrong with which field. */
export const badData = (problems: FieldError[]) =>
  refusal(
    "BAD_DATA",
    problems.map(({ field, message }) => (field ? `${field} ${message}` : message)).join("; "),
    { errors: problems },
  );

/** The contract's code of any error that a call can end with: Moleculer's own (nobody there, no answer, queue full) included. */
export function codeOf(error: unknown): ErrorCode {
  const { type, name } = (error ?? {}) as { type?: string; name?: string };
  if (type && Object.hasOwn(errors, type)) return type as ErrorCode;
  if (name === "RequestTimeoutError") return "TIMEOUT";
  return unavailable.has(name ?? "") || type === "BAD_GATEWAY" ? "UNAVAILABLE" : "INTERNAL";
}

/** Moleculer says 404 of a service that is away, known or not. */
const unavailable = new Set([
  "ServiceNotFoundError",
  "ServiceNotAvailableError",
  "RequestRejectedError",
  "RequestSkippedError",
  "QueueIsFullError",
  "BrokerDisconnectedError",
  "GracefulStopTimeoutError",
]);
