import { inspect } from "node:util";
import type { BrokerOptions } from "moleculer";
import type { LoggerOptions } from "pino";
import type { Env } from "./env.ts";

/** Lines for people where one process is watched by one person; JSON lines for machines in a cluster. */
export const logging = ({ embedded, logLevel }: Env): Pick<BrokerOptions, "logger"> => ({
  logger: embedded
    ? { type: "Console", options: { level: logLevel, formatter: "short" } }
    : { type: "Pino", options: { level: logLevel, pino: { options: pinoOptions(logLevel) } } },
});

/** Moleculer logs words and an error in any order; Pino would drop what follows the first word. */
export const pinoOptions = (level: string): LoggerOptions => ({
  level,
  base: null,
  hooks: {
    logMethod(said, method) {
      const error = said.find((part): part is Error => (part as unknown) instanceof Error);
      const words = said
        .filter((part) => part !== error)
        .map((part) => (typeof part === "string" ? part : inspect(part)));
      const line = words.join(" ") || error?.message || "";
      method.apply(this, error ? ([{ err: error }, line] as never) : [line]);
    },
  },
});
