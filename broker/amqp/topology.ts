/**
 * The exchanges and queues of a namespace. A node's queues are exclusive, transient and named anew for each
 * connection: they live on the RabbitMQ node of that connection and are gone with it, so the loss of a RabbitMQ node
 * leaves nothing that a new connection would have to wait for. Senders know only exchanges and node ids.
 */
import { randomUUID } from "node:crypto";
import type { Channel, Options } from "amqplib";

/** Part of all names. Nodes of another version use other exchanges, so neither sees the other. */
const VERSION = 2;

/** `requests` waits for acknowledgements; `packets` carries all else to one node, and `broadcasts` to all nodes. */
export type Path = "requests" | "packets" | "broadcasts";
export const paths: readonly Path[] = ["requests", "packets", "broadcasts"];

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

  /** The names of a connection's queues. */
  newQueues(): Record<"requests" | "packets" | "waiting", string> {
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

  /** Declares the queues of a connection and binds them. Rejects with RabbitMQ's reason. */
  async declare(channel: Channel, queues: Record<"requests" | "packets", string>): Promise<void> {
    await Promise.all(paths.map((path) => this.declareExchange(channel, path)));
    await Promise.all([
      declareQueue(channel, queues.requests),
      declareQueue(channel, queues.packets),
    ]);
    const { nodeID } = this;
    const toAllOrNode = { "x-match": "any", to: "all", node: nodeID };
    await Promise.all([
      channel.bindQueue(queues.requests, this.exchange("requests"), nodeID),
      channel.bindQueue(queues.packets, this.exchange("packets"), nodeID),
      channel.bindQueue(queues.packets, this.exchange("broadcasts"), "", toAllOrNode),
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

export async function declareQueue(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, { exclusive: true, durable: false, autoDelete: true });
}
