/** Sends Moleculer's spans by OTLP over HTTP. Loaded only when OTEL_EXPORTER_OTLP_ENDPOINT is set. */
import { setTimeout as pause } from "node:timers/promises";
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Tracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
} from "@opentelemetry/sdk-trace-node";
import { TracerExporters, type BrokerOptions, type ServiceBroker, type Span } from "moleculer";
import { errors } from "../../contracts/errors.ts";
import { redact } from "../env/urls.ts";
import { codeOf } from "../refusal.ts";
import { version } from "../version.ts";
import { reporting } from "./reporting.ts";
import { spanIdOf, traceIdOf } from "./trace.ts";

/** A stop waits this long for the last spans (ms). */
const stopTimeoutMs = 2_000;
/** One attempt to send takes at most this long (ms). */
const sendTimeoutMs = 5_000;

/** Attributes of Moleculer's and our own spans that are sent, and their names in OpenTelemetry. Nothing else ever leaves the node. */
const sent = {
  "http.request.method": "http.request.method",
  "http.route": "http.route",
  callerNodeID: "souk.caller_node",
} as const;

/** Broker options that trace requests, and send the spans to the endpoint. `share` of the requests is traced. */
export const withTracing = (endpoint: string, share: number) =>
  ({
    tracing: {
      enabled: true,
      // The cast: Moleculer's types know only names; its code also takes instances.
      exporter: [new OpenTelemetry(endpoint)] as never,
      sampling: { rate: share },
      // By default Moleculer records all params of a call, and the texts and data of errors.
      tags: { action: () => ({}), event: () => ({}) },
      errorFields: [],
    },
  }) satisfies BrokerOptions;

class OpenTelemetry extends TracerExporters.Base {
  readonly #endpoint: string;
  readonly #tracers = new Map<string, Tracer>();
  #processor: BatchSpanProcessor | undefined;
  #next = { traceId: "", spanId: "" };

  constructor(endpoint: string) {
    super({});
    this.#endpoint = endpoint;
  }

  override init(tracer: ServiceBroker["tracer"]): void {
    super.init(tracer);
    const url = `${this.#endpoint.replace(/\/$/, "")}/v1/traces`;
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: sendTimeoutMs });
    const { logger } = tracer.broker;
    this.#processor = new BatchSpanProcessor(reporting(exporter, redact(this.#endpoint), logger));
  }

  override async stop(): Promise<void> {
    const sentAll = this.#processor?.shutdown().catch(() => null);
    await Promise.race([sentAll, pause(stopTimeoutMs, null, { ref: false })]);
  }

  override spanFinished(span: Span): void {
    const { traceID, id, parentID, startTime, finishTime, error } = span;
    this.#next = { traceId: traceIdOf(traceID), spanId: spanIdOf(id) };
    const code = error ? codeOf(error) : undefined;
    const recorded = this.#tracerOf(span.service?.name ?? "souk").startSpan(
      nameOf(span),
      {
        kind: isServer(span) ? SpanKind.SERVER : SpanKind.INTERNAL,
        startTime: startTime!,
        attributes: { ...attributesOf(span), ...(code && { "error.type": code }) },
      },
      parentID ? contextOf(this.#next.traceId, parentID) : ROOT_CONTEXT,
    );
    // A refusal is an answer.
    if (code && errors[code].status >= 500) recorded.setStatus({ code: SpanStatusCode.ERROR });
    recorded.end(finishTime!);
  }

  /** Each service is one for OpenTelemetry, also where several run in one process. */
  #tracerOf(service: string): Tracer {
    let tracer = this.#tracers.get(service);
    if (!tracer) {
      const provider = new NodeTracerProvider({
        resource: resourceFromAttributes({
          "service.name": service === "souk" ? service : `souk-${service}`,
          "service.version": version,
          "service.instance.id": this.broker.nodeID,
        }),
        sampler: new AlwaysOnSampler(),
        spanProcessors: [this.#processor!],
        idGenerator: {
          generateTraceId: () => this.#next.traceId,
          generateSpanId: () => this.#next.spanId,
        },
      });
      tracer = provider.getTracer("souk", version);
      this.#tracers.set(service, tracer);
    }
    return tracer;
  }
}

const contextOf = (traceId: string, parentID: string): Context =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId: spanIdOf(parentID),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });

type Tags = Record<string, unknown> & { action?: { name?: string } | null; remoteCall?: boolean };

/** `POST /market/buy/:id`, `market.buy` or the name that our own code gave. */
function nameOf({ name, tags }: Span): string {
  const { "http.request.method": method, "http.route": route, action } = tags as Tags;
  if (typeof method === "string")
    return `${method} ${typeof route === "string" ? route : ""}`.trim();
  return action?.name ?? name;
}

const isServer = ({ tags }: Span): boolean =>
  "http.request.method" in tags || (tags as Tags).remoteCall === true;

function attributesOf({ tags }: Span): Attributes {
  const found = Object.entries(sent).flatMap(([tag, name]) => {
    const value = (tags as Tags)[tag];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return Object.fromEntries(found);
}
