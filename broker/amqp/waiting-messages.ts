/**
 * Messages of a node that wait in a queue without a consumer. A purge or a policy drops what waits, and nothing else shows
 * it: consumed queues are mostly empty. In each round the oldest is fetched, RabbitMQ's count of the others is compared,
 * and a new one takes its place.
 */
import type { Channel } from "amqplib";
import type { ServiceBroker } from "moleculer";
import { reasonOf } from "./connection.ts";
import type { Session } from "./session.ts";
import { declareQueue, type Topology } from "./topology.ts";

/**
 * One has as many bytes as the largest request: a policy that limits the bytes of a queue would let small ones wait. The
 * others are as many as requests wait behind those that a node handles at once: a policy may limit their number.
 */
const contents = [Buffer.alloc(32 * 1024), ...Array.from({ length: 250 }, () => Buffer.alloc(0))];

const fault =
  "A message that waited in a queue of this node was dropped: the queue was purged, or a policy drops messages (message-ttl, " +
  "max-length, max-length-bytes, expires). The node is not ready until messages wait again.";

export class WaitingMessages {
  readonly #topology: Topology;
  readonly #logger: ServiceBroker["logger"];
  readonly #type: string;
  #queue: string | undefined;
  /** Whether the queue is declared and bound. */
  #hasQueue = false;
  /** What to send in this round. */
  #next: Buffer[] = [];
  /** All of them were sent in the last round. */
  #isFresh = false;
  #isFaulty = false;

  /** `type` is that of the messages. */
  constructor(topology: Topology, logger: ServiceBroker["logger"], type: string) {
    [this.#topology, this.#logger, this.#type] = [topology, logger, type];
  }

  /** Whether messages that waited were dropped, until all wait again. */
  get isFaulty(): boolean {
    return this.#isFaulty;
  }

  /** Begins with the queue of this connection. */
  start(queue: string): void {
    if (this.#queue === queue) {
      // After an alarm. The last round may not have ended.
      this.#isFresh = false;
      return;
    }
    this.#queue = queue;
    this.#hasQueue = false;
    this.#sendAll();
  }

  #sendAll(): void {
    this.#next = [...contents];
    this.#isFresh = true;
  }

  /**
   * Sends what is missing. Declares the queue only if there is none yet, or none any more: a policy can let it expire. A
   * declaration would wait while RabbitMQ nodes elect a leader.
   */
  async leave({ queues: { waiting } }: Session, channel: Channel): Promise<void> {
    if (!this.#hasQueue) {
      await declareQueue(channel, waiting);
      await channel.bindQueue(waiting, this.#topology.exchange("packets"), waiting);
      this.#hasQueue = true;
    }
    const options = { type: this.#type };
    for (const content of this.#next.splice(0))
      this.#topology.toNode(channel, "packets", waiting, content, options);
  }

  /**
   * Resolves with false when messages were dropped that waited for a round only: by a purge, or a policy that concerns requests. Older ones may
   * expire, since no request waits for longer: then all are replaced, and the next round shows whether they wait.
   */
  async check(channel: Channel, queue: string): Promise<boolean> {
    const message = await channel.get(queue, { noAck: true }).catch((error: Error) => {
      if (!reasonOf(error).startsWith("NOT_FOUND")) throw error;
      return false as const;
    });
    if (message && message.fields.messageCount + 1 >= contents.length) {
      this.#next = [message.content];
      this.#isFresh = false;
      this.#clearFault();
      return true;
    }
    const isDropped = !message || this.#isFresh;
    if (message) await channel.purgeQueue(queue);
    else this.#hasQueue = false;
    this.#sendAll();
    if (isDropped) this.#setFault();
    return !isDropped;
  }

  #setFault(): void {
    if (!this.#isFaulty) this.#logger.warn(fault);
    this.#isFaulty = true;
  }

  #clearFault(): void {
    if (this.#isFaulty) this.#logger.info("Messages wait in the queues of this node again.");
    this.#isFaulty = false;
  }
}
