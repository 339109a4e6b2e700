/** What a node can do over its transporter now. Imports no transporter: an embedded market has none. */
import type { ServiceBroker } from "moleculer";

/**
 * - `up`: messages reach this node, and those that it sends are routed. An embedded broker is always `up`.
 * - `disconnected`: there is no connection to RabbitMQ.
 * - `blocked`: RabbitMQ has a memory or disk alarm and accepts no messages.
 * - `unrouted`: there is a connection, but this node's last messages to itself did not arrive.
 */
export type BrokerState = "up" | "disconnected" | "blocked" | "unrouted";

/** The state of the broker's transporter. Constant time; never throws. */
export function brokerState({ transit }: Pick<ServiceBroker, "transit">): BrokerState {
  if (!transit) return "up";
  // The cast: `state` is our transporter's; other transporters have only Moleculer's flag.
  const { state } = transit.tx as { state?: BrokerState };
  return state ?? (transit.connected ? "up" : "disconnected");
}
