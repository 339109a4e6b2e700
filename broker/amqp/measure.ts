import type { ServiceBroker } from "moleculer";
import { meterOf } from "../metrics/meter.ts";
import type { BrokerState } from "./reachability.ts";

/** Shows the connection to RabbitMQ in the node's metrics. `read` returns its state, and the time of a message through it (ms). */
export function measureTransporter(
  broker: ServiceBroker,
  read: () => { state: BrokerState; latency: number },
): void {
  const meter = meterOf(broker);
  if (!meter.isOn) return;
  meter.begin("souk_amqp_reconnects_total");
  meter.begin("souk_amqp_unroutable_total");
  for (const reason of ["gone", "frozen"]) meter.begin("souk_suspicions_total", { reason });
  let hasConnected = false;
  broker.localBus.on("$transporter.connected", () => {
    if (hasConnected) meter.count("souk_amqp_reconnects_total");
    hasConnected = true;
  });
  meter.collect(() => {
    const { state, latency } = read();
    meter.set("souk_amqp_connected", Number(state !== "disconnected"));
    meter.set("souk_amqp_blocked", Number(state === "blocked"));
    meter.set("souk_amqp_latency_seconds", latency / 1000);
  });
}
