import { inspect } from "node:util";
import type { BrokerOptions } from "moleculer";
import type { LoggerOptions } from "pino";
import type { Env } from "./env.ts";

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
  if (!embedded && !isTerminal)
    return {
      logger: {
        type: "Pino",
        options: { level: logLevel, pino: { options: pinoOptions(logLevel) } },
      },
    };
  const formatter = embedded ? "short" : clusterLine;
  return { logger: { type: "Console", options: { level: logLevel, formatter } } };
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
      if (error) method.call(this, { err: error }, line);
      else method.call(this, line);
    },
  },
});
