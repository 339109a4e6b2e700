/** Traces across services, also where hours lie between two of them: then the W3C's `traceparent` is stored. */
import { hash } from "node:crypto";
import type { ServiceBroker } from "moleculer";

/** A context of Moleculer, or what an event brought of one. `tracing`: this request is traced. */
export interface Traced {
  broker: Pick<ServiceBroker, "isTracingEnabled">;
  requestID: string | null;
  id: string;
  span?: { id: string } | null;
  tracing: boolean | null;
}

/** What Moleculer takes as the parent of a call or an event. */
export interface ParentSpan {
  traceID: string;
  id: string;
  sampled: true;
}

const digits = (text: string) => text.replaceAll("-", "").toLowerCase();

/** The id of a trace for OpenTelemetry: that of its request, without hyphens. */
export function traceIdOf(requestID: string): string {
  const found = digits(requestID);
  return /^[\da-f]{32}$/.test(found) ? found : hash("sha256", requestID).slice(0, 32);
}

/** The id of a span for OpenTelemetry: the end of that of its context. */
export function spanIdOf(id: string): string {
  const found = digits(id).slice(-16);
  return /^[\da-f]{16}$/.test(found) ? found : hash("sha256", id).slice(0, 16);
}

/** What is stored of a context, so that later work belongs to its trace. Undefined while it is not traced, which costs nothing. */
export function traceparentOf(ctx: Traced): string | undefined {
  if (!ctx.tracing || !ctx.requestID || !ctx.broker.isTracingEnabled()) return undefined;
  return `00-${traceIdOf(ctx.requestID)}-${spanIdOf(ctx.span?.id ?? ctx.id)}-01`;
}

/** The parent of what belongs to a stored trace. */
export function parentOf(traceparent: string | undefined): ParentSpan | undefined {
  const [, trace, id] = /^00-([\da-f]{32})-([\da-f]{16})-01$/.exec(traceparent ?? "") ?? [];
  if (!trace || !id) return undefined;
  // The request's id as it is in headers and logs.
  const traceID = trace.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { traceID, id, sampled: true };
}

/** A span that no call of an action makes. */
export interface OpenSpan {
  /** For what happens as a part of it. */
  traceparent: string;
  end(): void;
}

/** Begins a span of a service as a part of a trace. Undefined without a trace. */
export function beginSpan(
  { tracer }: Pick<ServiceBroker, "tracer">,
  name: string,
  service: string,
  traceparent: string | undefined,
): OpenSpan | undefined {
  const parent = parentOf(traceparent);
  if (!parent || !tracer.isEnabled()) return undefined;
  const { traceID, id: parentID, sampled } = parent;
  const span = tracer.startSpan(name, { traceID, parentID, sampled, service: { name: service } });
  return {
    traceparent: `00-${traceIdOf(traceID)}-${spanIdOf(span.id)}-01`,
    end: () => void span.finish(),
  };
}
