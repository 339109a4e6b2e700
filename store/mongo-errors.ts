import { MongoServerError } from "mongodb";

/** An operation that did not end in time. */
export class Timeout extends Error {}

/** Rejects with Timeout unless the promise settles within `ms`. */
export function withTimeout<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Timeout(`no answer within ${ms} ms`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The driver's errors of a server that cannot be reached. */
const driverErrors = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoPoolClearedError",
  "MongoPoolClosedError",
  "PoolClearedOnNetworkError",
  "MongoNotConnectedError",
  "MongoTopologyClosedError",
  "MongoServerClosedError",
  "MongoClientClosedError",
  "MongoExpiredSessionError",
  "MongoWriteConcernError",
  // A batch that was cut off. The documents that a batch refused are handled before.
  "MongoBulkWriteError",
]);

/**
 * The server's codes for: unauthorised, shutting down, not the primary, no majority, network errors between servers,
 * a cursor that ended with its server, overloaded, and a full disk.
 */
const serverCodes = new Set([
  6, 7, 13, 18, 43, 50, 64, 89, 91, 100, 112, 133, 134, 175, 189, 202, 237, 262, 365, 462, 9001,
  10058, 10107, 11600, 11601, 11602, 13435, 13436, 14031,
]);

const timeouts = new Set(["MongoWaitQueueTimeoutError", "MongoNetworkTimeoutError"]);

/** Whether the likely cause is too many calls, or one silent connection. Heartbeats tell whether the server answers. */
export const isTimeout = (error: unknown) =>
  error instanceof Timeout || timeouts.has((error as Error).name);

/** Whether the database could not serve the call now, as opposed to refusing the call itself. */
export function isOutage(error: unknown): error is Error {
  if (isTimeout(error)) return true;
  const { name = "", code, syscall } = error as { name?: string; code?: unknown; syscall?: string };
  // The driver passes on the socket's own error when a connection is cut during a write.
  const isSocketError = syscall !== undefined;
  return (
    isSocketError ||
    driverErrors.has(name) ||
    (error instanceof MongoServerError && serverCodes.has(Number(code)))
  );
}
