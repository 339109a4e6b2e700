/**
 * The exchanges and queues of a namespace. A node's queues are exclusive, transient and named anew for each
 * connection: they live on the RabbitMQ node of that connection and are gone with it, so the loss of a RabbitMQ node
 * leaves nothing that a new connection would have to wait for. Senders know only exchanges and node ids.
 *
 * The shared exchanges lead to a connection's queues through two exchanges of its own. The next connection deletes
 * those, so that nothing is routed any longer to the queues of the last one, which RabbitMQ keeps for a minute when their
 * node is frozen: nobody can delete or unbind the queues themselves, because they are locked to their connection.
 */
import { randomUUID } from "node:crypto";
import type { Channel, Options } from "amqplib";

/** Part of all names. Nodes of another version use other exchanges, so neither sees the other. */
const VERSION = 2;

/** `requests` waits for acknowledgements; `packets` carries all else to one node, and `broadcasts` to all nodes. */
export type Path = "requests" | "packets" | "broadcasts";
export const paths: readonly Path[] = ["requests", "packets", "broadcasts"];

const inboxes = ["requests", "packets"] as const;
/** Names. */
export type Queues = Record<(typeof inboxes)[number] | "waiting", string>;

/** A header binding per node, so that a node can also send a message to itself through the binding of broadcasts. */
const types = { requests: "direct", packets: "direct", broadcasts: "headers" } as const;

export class Topology {
  readonly nodeID: string;
  readonly #prefix: string;

  /** `prefix` is Moleculer's, with the namespace. */
  constructor(prefix: string, nodeID: string) {
    this.#prefix = `${prefix}.${VERSION}`;
    this.nodeID = nodeID;
  }

  exchange(path: Path): string {
    return `${this.#prefix}.${path}`;
  }

  /** The names of a connection's queues. The exchanges in front of the first two have the same names. */
  newQueues(): Queues {
    const start = `${this.#prefix}.${this.nodeID}.${randomUUID()}`;
    return {
      requests: `${start}.requests`,
      packets: `${start}.packets`,
      waiting: `${start}.waiting`,
    };
  }

  async declareExchange(channel: Channel, path: Path): Promise<void> {
    await channel.assertExchange(this.exchange(path), types[path], { durable: true });
  }

  /** Declares the queues of a connection and binds them, instead of the former ones. Rejects with RabbitMQ's reason. */
  async declare(channel: Channel, queues: Queues, former: Queues[] = []): Promise<void> {
    const exchanges = former.flatMap(({ requests, packets }) => [requests, packets]);
    await Promise.all(exchanges.map((exchange) => channel.deleteExchange(exchange)));
    await Promise.all(paths.map((path) => this.declareExchange(channel, path)));
    await Promise.all(inboxes.map((path) => declareInbox(channel, queues[path])));
    const { requests, packets } = queues;
    const { nodeID } = this;
    const toAllOrNode = { "x-match": "any", to: "all", node: nodeID };
    await Promise.all([
      channel.bindExchange(requests, this.exchange("requests"), nodeID),
      channel.bindExchange(packets, this.exchange("packets"), nodeID),
      channel.bindExchange(packets, this.exchange("broadcasts"), "", toAllOrNode),
    ]);
  }

  /** Sends to one node. RabbitMQ returns the message if the node has no queue. */
  toNode(
    channel: Channel,
    path: Path,
    nodeID: string,
    data: Buffer,
    options: Options.Publish,
  ): void {
    if (path === "broadcasts")
      channel.publish(this.exchange(path), nodeID, data, {
        ...options,
        mandatory: true,
        headers: { node: nodeID },
      });
    else channel.publish(this.exchange(path), nodeID, data, { ...options, mandatory: true });
  }

  /** Sends to all nodes, this one too. */
  toAll(channel: Channel, data: Buffer, type: string): void {
    channel.publish(this.exchange("broadcasts"), "", data, { type, headers: { to: "all" } });
  }
}

/** A queue and the exchange in front of it, which RabbitMQ deletes with the queue. */
async function declareInbox(channel: Channel, name: string): Promise<void> {
  await declareQueue(channel, name);
  await channel.assertExchange(name, "fanout", { durable: true, autoDelete: true });
  await channel.bindQueue(name, name, "");
}

export async function declareQueue(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, { exclusive: true, durable: false, autoDelete: true });
}
