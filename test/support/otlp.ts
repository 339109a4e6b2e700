/** A small receiver of traces: OTLP over HTTP, in JSON. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number };
  attributes: { key: string; value: { stringValue?: string } }[];
  /** The service's name for OpenTelemetry. */
  service: string;
}

interface Body {
  resourceSpans: {
    resource: { attributes: ReceivedSpan["attributes"] };
    scopeSpans: { spans: Omit<ReceivedSpan, "service">[] }[];
  }[];
}

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Everything it has received, as text. */
  text = "";
  readonly #server = createServer(async (req, res) => {
    const body = (await json(req)) as Body;
    this.text += JSON.stringify(body);
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === "service.name")!;
      for (const span of scopeSpans.flatMap(({ spans }) => spans))
        this.spans.push({ ...span, service: service.value.stringValue! });
    }
    res.writeHead(200, { "content-type": "application/json" }).end("{}");
  });

  /** Listens on a free port. */
  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** The spans of a request's trace as a tree, a line each: two spaces for each level, the service and the name. */
  treeOf(requestId: string): string[] {
    const traceId = requestId.replaceAll("-", "");
    const spans = this.spans
      .filter((span) => span.traceId === traceId)
      .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
    const known = new Set(spans.map(({ spanId }) => spanId));
    const below = (parent: string | undefined, indent: string): string[] =>
      spans
        .filter(({ parentSpanId }) =>
          parent === undefined ? !known.has(parentSpanId ?? "") : parentSpanId === parent,
        )
        .flatMap(({ spanId, service, name }) => [
          `${indent}${service} ${name}`,
          ...below(spanId, `${indent}  `),
        ]);
    return below(undefined, "");
  }
}
