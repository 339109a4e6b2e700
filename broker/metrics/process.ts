/** Metrics of the process and of what its node knows of the others. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Middleware, ServiceBroker } from "moleculer";
import { services } from "../../contracts/actions.ts";
import { version } from "../version.ts";
import { meterOf, type Meter } from "./meter.ts";

type Delay = ReturnType<typeof monitorEventLoopDelay>;

/** The event loop is sampled this often (ms): a delay up to this is not one. */
const resolution = 20;
/** The shortest window of the event loop's delay (ms): several scrapers share it. */
const windowMs = 10_000;

/** Collects them while the node exports metrics. */
export function processMetrics(): Middleware {
  let delay: Delay | undefined;
  return {
    name: "ProcessMetrics",
    created(broker: ServiceBroker) {
      const meter = meterOf(broker);
      if (!meter.isOn) return;
      delay = monitorEventLoopDelay({ resolution });
      delay.enable();
      meter.set("souk_node_info", 1, { node: broker.nodeID, version });
      meter.set("process_start_time_seconds", performance.timeOrigin / 1000);
      const collectDelay = delayCollector(meter, delay);
      meter.collect(() => {
        collectDelay();
        collectUsage(meter);
        for (const service of services)
          meter.set("souk_service_nodes", nodesOf(broker, service), { service });
      });
    },
    async stopped() {
      delay?.disable();
    },
  };
}

function collectUsage(meter: Meter): void {
  const { user, system } = process.cpuUsage();
  meter.set("process_cpu_seconds_total", (user + system) / 1e6);
  meter.set("process_resident_memory_bytes", process.memoryUsage.rss());
}

const nodesOf = ({ registry }: ServiceBroker, service: string) =>
  registry
    .getActionEndpoints(`${service}.health`)
    ?.endpoints.filter(({ isAvailable }) => isAvailable).length ?? 0;

function delayCollector(meter: Meter, delay: Delay): () => void {
  let resetAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - resetAt < windowMs) return;
    resetAt = now;
    for (const quantile of [0.5, 0.99, 1]) {
      const ms = delay.percentile(100 * quantile) / 1e6 - resolution;
      meter.set("souk_event_loop_delay_seconds", Math.max(0, ms) / 1000, {
        quantile: String(quantile),
      });
    }
    delay.reset();
  };
}
