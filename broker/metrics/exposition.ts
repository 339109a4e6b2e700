import { MetricReporters, type BrokerOptions, type ServiceBroker } from "moleculer";
import { meterOf } from "./meter.ts";
import { metrics, type MetricName } from "./table.ts";

type Registry = ServiceBroker["metrics"];

interface Sample {
  labels: Record<string, string>;
  value: number;
  count: number;
  sum: number;
  buckets: Record<string, number>;
}

/**
 * Moleculer's Prometheus reporter, without the server of its own, which listens on all addresses when the port is 0. It exports the
 * metrics of metrics/table.ts, and writes the sum and count of a histogram, which Moleculer's omits where there are no quantiles.
 */
class Exposition extends MetricReporters.Prometheus {
  override init(registry: Registry): void {
    MetricReporters.Base.prototype.init.call(this, registry);
  }

  override async stop(): Promise<void> {}

  override generatePrometheusResponse(): string {
    return Object.keys(metrics)
      .flatMap((name) => this.linesOf(name as MetricName))
      .join("\n")
      .concat("\n");
  }

  private linesOf(name: MetricName): string[] {
    const { registry } = this as unknown as { registry: Registry };
    const samples = (registry.getMetric(name)?.snapshot() ?? []) as unknown as Sample[];
    if (samples.length === 0) return [];
    const { type, help } = metrics[name];
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.flatMap((sample) => this.sampleLines(name, sample)),
    ];
  }

  private sampleLines(name: MetricName, { labels, value, buckets, sum, count }: Sample): string[] {
    const metric = metrics[name];
    if (metric.type !== "histogram") return [`${name}${this.labelsToStr(labels)} ${value}`];
    const bucket = (le: string, n: number) =>
      `${name}_bucket${this.labelsToStr(labels, { le })} ${n}`;
    return [
      ...metric.buckets.map((le) => bucket(String(le), buckets[le]!)),
      bucket("+Inf", count),
      `${name}_sum${this.labelsToStr(labels)} ${sum}`,
      `${name}_count${this.labelsToStr(labels)} ${count}`,
    ];
  }
}

/** The content type of `expositionOf`. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

/** All metrics of a broker in Prometheus's text format. */
export async function expositionOf(broker: ServiceBroker): Promise<string> {
  await meterOf(broker).collectAll();
  const [reporter] = broker.metrics.reporter as [Exposition];
  return reporter.generatePrometheusResponse();
}

/** Moleculer's own middlewares in their order, without "Metrics": it keeps every duration of a minute, for quantiles. */
const middlewares = [
  ...["ActionHook", "Validator", "Bulkhead", "Cacher", "ContextTracker", "CircuitBreaker"],
  ...["Timeout", "Retry", "Fallback", "ErrorHandler", "Tracing", "Debounce", "Throttle"],
];

/** Broker options that switch the metrics on; `own` are the node's own middlewares. */
export const withMetrics = (own: NonNullable<BrokerOptions["middlewares"]>) =>
  ({
    metrics: {
      enabled: true,
      collectProcessMetrics: false,
      // The cast: Moleculer's types know only names; its code also takes instances.
      reporter: [new Exposition()] as never,
    },
    internalMiddlewares: false,
    middlewares: [...own, ...middlewares],
  }) satisfies BrokerOptions;
