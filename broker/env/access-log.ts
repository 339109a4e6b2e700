import type { Variables } from "./schema.ts";

/** The level of a line for each request to api; undefined: there are no such lines. */
export type AccessLogLevel = "info" | "debug" | undefined;

export function accessLogOf({ ACCESS_LOG, LOG_LEVEL }: Variables): AccessLogLevel {
  if (ACCESS_LOG === "1") return "info";
  return LOG_LEVEL === "debug" || LOG_LEVEL === "trace" ? "debug" : undefined;
}

/** The lines of ACCESS_LOG are of level info, which LOG_LEVEL may omit. */
export const accessLogFaults = ({
  ACCESS_LOG,
  LOG_LEVEL,
}: Pick<Variables, "ACCESS_LOG" | "LOG_LEVEL">): string[] =>
  ACCESS_LOG === "1" && ["fatal", "error", "warn"].includes(LOG_LEVEL)
    ? ["ACCESS_LOG=1 logs at level info: LOG_LEVEL must be info, debug or trace."]
    : [];
