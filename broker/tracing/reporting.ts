import type { SpanExporter } from "@opentelemetry/sdk-trace-node";
import type { ServiceBroker } from "moleculer";

/** The exporter, which logs once that spans cannot be sent, and once that they are sent again. */
export function reporting(
  exporter: SpanExporter,
  endpoint: string,
  logger: Pick<ServiceBroker["logger"], "warn" | "info">,
): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const fails = result.code !== 0;
        if (fails && !isFailing) {
          const reason = result.error?.message ?? "unknown reason";
          logger.warn(`Traces cannot be sent to ${endpoint}, and are lost: ${reason}`);
        }
        if (!fails && isFailing) logger.info(`Traces are sent to ${endpoint} again.`);
        isFailing = fails;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
