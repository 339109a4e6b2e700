import { inspect } from "node:util";
import { Loggers, type BrokerOptions } from "moleculer";
import type { LoggerOptions } from "pino";
import type { Env } from "./env.ts";
import { LineLimiter } from "./line-limiter.ts";
import { traceIdOf } from "./tracing/trace.ts";

/** One line for people. In a cluster it names the node, because several of them share a terminal. */
const clusterLine = "[{timestamp}] {level} {nodeID}/{mod}: {msg}";

/**
 * The logger's options: readable lines for an embedded market and in a terminal, JSON lines for a cluster node
 * whose output is collected.
 */
export function logging(
  { embedded, logLevel }: Pick<Env, "embedded" | "logLevel">,
  isTerminal: boolean,
): Pick<BrokerOptions, "logger"> {
  // Moleculer's types of these options lack what its code accepts: a pattern as formatter, and Pino without a destination.
  const options = (own: object) => ({ level: logLevel, ...own }) as never;
  const logger =
    !embedded && !isTerminal
      ? new Loggers.Pino(options({ pino: { options: pinoOptions(logLevel) } }))
      : new Loggers.Console(options({ formatter: embedded ? "short" : clusterLine }));
  // Moleculer's types know only names and options; its documentation also names instances.
  return { logger: limited(logger) as unknown as BrokerOptions["logger"] };
}

/** Milliseconds after which omitted lines are summarised. */
const minuteMs = 60_000;
const limitedLevels = ["warn", "error"];

/**
 * At most a hundred warnings and errors a minute: a flood of requests must not fill a disk. Whatever causes a line, those
 * that repeat are counted and summarised. Other levels are not limited: `info` is rare, and `debug` was asked for.
 */
export function limited<L extends Loggers.Base<object>>(logger: L): L {
  const limiter = new LineLimiter();
  const handlerOf = logger.getLogHandler.bind(logger);
  let minute: NodeJS.Timeout | undefined;
  logger.getLogHandler = (bindings) => {
    const handle = handlerOf(bindings);
    if (!handle) return handle;
    return (level, args) => {
      if (!limitedLevels.includes(level)) return handle(level, args);
      minute ??= setTimeout(() => {
        minute = undefined;
        for (const line of limiter.endMinute()) handle("warn", [line]);
      }, minuteMs).unref();
      if (limiter.admit(lineOf(args))) handle(level, args);
    };
  };
  return logger;
}

const lineOf = ([first]: unknown[]) => (first instanceof Error ? first.message : String(first));

/** `request ID` in our own lines, `requestID: 'ID'` in Moleculer's. */
const namedRequest = /\brequest(?: |ID: ')([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\b/;

/** The request that a line names, and its trace, as fields to search by. */
function idsIn(line: string): { requestId?: string; traceId?: string } {
  const requestId = namedRequest.exec(line)?.[1];
  return requestId ? { requestId, traceId: traceIdOf(requestId) } : {};
}

/** Joins the arguments of a call and finds an error among them. Pino itself would print only the first argument. */
export const pinoOptions = (level: string): LoggerOptions => ({
  level,
  base: null,
  hooks: {
    logMethod(args, method) {
      const error = args.find((arg): arg is Error => (arg as unknown) instanceof Error);
      const words = args
        .filter((arg) => arg !== error)
        .map((arg) => (typeof arg === "string" ? arg : inspect(arg)));
      const line = words.join(" ") || error?.message || "";
      const fields = { ...idsIn(line), ...(error && { err: error }) };
      method.call(this, fields, line);
    },
  },
});
