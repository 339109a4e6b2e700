import type { ServiceBroker } from "moleculer";

/** Up to this difference (ms) clocks count as equal. */
const maxSkewMs = 2_000;

/** Parts of a service and of the transporter (broker/amqp). A service without a database, and an embedded market, lack them. */
type Clocked = { store?: { skew(): number } } | undefined;
type Transporter = { clockOffsets?(): Record<string, number> } | undefined;

/** How far this node's clock is ahead of the clocks of its databases and of other nodes (ms), where that is more than 2 s. */
export function clockSkews(broker: ServiceBroker, services: readonly string[]) {
  const databases = services.map((name): [string, number] => [
    `database of ${name}`,
    (broker.getLocalService(name) as Clocked)?.store?.skew() ?? 0,
  ]);
  // The casts: Moleculer does not know what services and transporters add.
  const offsets = (broker.transit?.tx as Transporter)?.clockOffsets?.() ?? {};
  const nodes = Object.entries(offsets).map(([id, ms]): [string, number] => [`node ${id}`, -ms]);
  const skews = [...databases, ...nodes].filter(([, ms]) => Math.abs(ms) > maxSkewMs);
  return Object.fromEntries(skews.map(([clock, ms]) => [clock, Math.round(ms)]));
}
