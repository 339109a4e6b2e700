/** How stored traces travel with a call. */
import type { CallingOptions } from "moleculer";
import { parentOf, traceparentOf, type Traced } from "./trace.ts";

/** The header of a call with messages of several traces: a traceparent for each, or nothing, separated by commas. */
const header = "traceparents";

/** The options of a call that belongs to one stored trace. */
export function inTraceOf(traceparent: string | undefined): CallingOptions | undefined {
  const parentSpan = parentOf(traceparent);
  // The cast: Moleculer declares a whole span, and reads these three fields of it.
  return parentSpan && { parentSpan: parentSpan as never };
}

/** The options of a call with several messages, each of its own trace. */
export function inTracesOf(traceparents: (string | undefined)[]): CallingOptions | undefined {
  if (traceparents.every((one) => one === undefined)) return undefined;
  return { headers: { [header]: traceparents.map((one) => one ?? "").join() } };
}

/** The traces of the messages of a call: those in its header, otherwise its own. */
export function tracesOf(
  ctx: Traced & { headers?: Record<string, unknown> | null },
): (n: number) => string | undefined {
  const given = ctx.headers?.[header];
  if (typeof given !== "string") return () => traceparentOf(ctx);
  const traceparents = given.split(",");
  return (n) => traceparents[n] || undefined;
}

/** The trace of an event's sender. */
export const sentBy = (ctx: Traced & { parentID: string | null }): string | undefined =>
  ctx.parentID === null ? undefined : traceparentOf({ ...pick(ctx), id: ctx.parentID });

const pick = ({ broker, requestID, tracing }: Traced) => ({ broker, requestID, tracing });
