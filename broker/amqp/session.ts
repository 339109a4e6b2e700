/** One connection to RabbitMQ with its queues and consumers. Once lost it is not used again: the next one is new. */
import { setTimeout as pause } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage, Message } from "amqplib";
import {
  CLOSE_TIMEOUT,
  closeConnection,
  destroySocket,
  inOneSentence,
  openConnection,
  reasonOf,
} from "./connection.ts";
import { redact } from "../env/urls.ts";
import type { Queues, Topology } from "./topology.ts";

/** Requests that a node handles at once. With one, two services that call each other would deadlock. */
const PREFETCH = 100;

export interface Receiver {
  /** A request is acknowledged when the result resolves. */
  onMessage(message: ConsumeMessage, isRequest: boolean): Promise<unknown>;
  onReturned(message: Message): void;
  onBlocked(reason: string): void;
  onUnblocked(): void;
}

export class Session {
  readonly connection: ChannelModel;
  readonly channel: Channel;
  readonly url: string;
  /** The host, without credentials. */
  readonly host: string;
  readonly queues: Queues;
  /** Resolves with the reason when the session is no longer usable. */
  readonly lost: Promise<string>;
  /** The time of a request to RabbitMQ and its answer (ms), measured once. */
  roundTrip = 0;
  /** RabbitMQ's alarm, while it accepts no messages. */
  alarm: string | undefined;
  #requests = 0;
  #isLost = false;
  readonly #topology: Topology;
  readonly #lose: (reason: string) => void;

  private constructor(url: string, connection: ChannelModel, channel: Channel, topology: Topology) {
    [this.url, this.host] = [url, redact(url)];
    [this.connection, this.channel] = [connection, channel];
    this.#topology = topology;
    this.queues = topology.newQueues();
    const { promise, resolve } = Promise.withResolvers<string>();
    this.lost = promise;
    this.#lose = resolve;
  }

  /** Connects. Rejects with one sentence when RabbitMQ is unreachable or refuses. */
  static async open(url: string, topology: Topology): Promise<Session> {
    const connection = await openConnection(url);
    const ended = new Promise<string>((resolve) =>
      connection.once("close", (error?: Error) => resolve(endOf(error))),
    );
    try {
      const channel = await connection.createChannel();
      const session = new Session(url, connection, channel, topology);
      const askedAt = performance.now();
      await channel.prefetch(PREFETCH);
      session.roundTrip = performance.now() - askedAt;
      session.#watch();
      return session;
    } catch (error) {
      closeConnection(connection);
      throw await inOneSentence(error as Error, redact(url), ended);
    }
  }

  #watch(): void {
    // A close by an operator has no "error" event.
    this.connection.on("close", (error?: Error) => this.drop(endOf(error)));
    this.channel.on("error", (error: Error) => this.drop(reasonOf(error)));
    // A closing connection closes its channels first, without the reason.
    this.channel.on("close", () => queueMicrotask(() => this.drop("the channel was closed")));
  }

  /** Whether all requests that the node handles at once are running, so that further ones wait in RabbitMQ. */
  get isFull(): boolean {
    return this.#requests >= PREFETCH;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Declares the queues, instead of the former ones, and consumes them. Rejects with RabbitMQ's reason. */
  async subscribe(receiver: Receiver, former: Queues[] = []): Promise<void> {
    const { channel, connection, queues } = this;
    channel.on("return", (message: Message) => receiver.onReturned(message));
    connection.on("blocked", (reason: string) => {
      this.alarm = reason;
      receiver.onBlocked(reason);
    });
    connection.on("unblocked", () => {
      this.alarm = undefined;
      receiver.onUnblocked();
    });
    await this.#topology.declare(channel, queues, former);
    await Promise.all([
      channel.consume(queues.requests, (message) => void this.#onRequest(message, receiver)),
      channel.consume(queues.packets, (message) => this.#onPacket(message, receiver), {
        noAck: true,
      }),
    ]);
  }

  /** Acknowledges on the channel that delivered the request, or not at all: any other channel would be closed by it. */
  async #onRequest(message: ConsumeMessage | null, receiver: Receiver): Promise<void> {
    if (this.#isLost) return;
    if (!message) return this.drop("a queue of this node was deleted");
    this.#requests++;
    await receiver.onMessage(message, true);
    this.#requests--;
    if (!this.#isLost) this.channel.ack(message);
  }

  #onPacket(message: ConsumeMessage | null, receiver: Receiver): void {
    if (this.#isLost) return;
    // RabbitMQ delivers null when it cancels the consumer because the queue is gone.
    if (!message) return this.drop("a queue of this node was deleted");
    void receiver.onMessage(message, false);
  }

  /** The task's result. Rejects with one sentence when the task does, or when the session is lost before. */
  async whileUsable<T>(task: Promise<T>): Promise<T> {
    const failed = task.catch(async (error: Error) => {
      throw await inOneSentence(error, this.host, this.lost);
    });
    const lost = this.lost.then((reason) => {
      throw new Error(`Cannot use RabbitMQ at ${this.host}: ${reason}.`);
    });
    return Promise.race([failed, lost]);
  }

  /** Ends the session. The first reason is the one that counts. */
  drop(reason: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    closeConnection(this.connection);
    this.#lose(reason);
  }

  /** Ends the session after the messages that were sent. */
  async close(): Promise<void> {
    if (this.#isLost) return;
    this.#isLost = true;
    const closed = new Promise((resolve) => this.connection.once("close", resolve));
    // Closing the channel is queued behind the last answers. Closing the connection would overtake them.
    void this.channel
      .close()
      .then(() => this.connection.close())
      .catch(() => null);
    await Promise.race([closed, pause(CLOSE_TIMEOUT, null, { ref: false })]);
    destroySocket(this.connection);
    this.#lose("it was closed by this node");
  }
}

const endOf = (error?: Error) => (error ? reasonOf(error) : "it was closed");
