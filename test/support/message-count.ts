/** Counts the messages that a node publishes, receives and fetches, on all channels of its connection. */
import type { ServiceBroker } from "moleculer";
import type { ResilientAmqp } from "../../broker/amqp/transporter.ts";

/** amqplib's names of the three methods, by their ids. */
const ids = { deliver: 3932220, getOk: 3932231 };

interface Wire {
  sendMessage(...args: unknown[]): unknown;
  accept(frame: { id?: number }): unknown;
}

/** Counts for the node's present connection. */
export function countMessages(node: ServiceBroker) {
  const { connection } = (node.transit!.tx as ResilientAmqp).session!;
  // The cast: amqplib does not declare its wire.
  const wire = connection.connection as unknown as Wire;
  const counts = { published: 0, delivered: 0 };
  const [send, accept] = [wire.sendMessage.bind(wire), wire.accept.bind(wire)];
  wire.sendMessage = (...args) => (counts.published++, send(...args));
  wire.accept = (frame) => {
    if (frame.id === ids.deliver || frame.id === ids.getOk) counts.delivered++;
    return accept(frame);
  };
  return { total: () => counts.published + counts.delivered };
}
