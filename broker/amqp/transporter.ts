/**
 * Moleculer's AMQP transporter, made to fail fast and to heal. The stock one handles one request at a time, needs RabbitMQ to
 * start, pauses five seconds before each reconnect, never notices a closed channel, and leaves the requests of a dead node
 * waiting. Queues, topics and packets stay Moleculer's.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage, Message } from "amqplib";
import { Errors, Transporters, type BrokerOptions } from "moleculer";
import { openConnection, socketOf } from "./connection.ts";
import { FailureDetector } from "./failure-detector.ts";

/** Broker options that belong with this transporter. */
export const brokerDefaults = {
  // Nobody waits for ever; it is also how long a request may wait in its queue.
  requestTimeout: 5000,
  // Neighbours notice a dead node long before this; a heartbeat brings back one that was given up too early.
  heartbeatInterval: 5,
  heartbeatTimeout: 15,
  // On SIGTERM the others have this long to hear that we take no more requests; then what runs may finish and answer.
  registry: { stopDelay: 500 },
  tracking: { enabled: true, shutdownTimeout: 3000 },
} satisfies BrokerOptions;

/** `url` may name several RabbitMQ nodes, separated by semicolons: they are tried in turn. */
export const amqp = (url: string): ResilientAmqp => new ResilientAmqp(url);

/** What Moleculer has and does not declare. */
interface StartingTransit {
  __connectResolve: ((value: null) => void) | null;
}
interface OwnInfo {
  localNodeInfoInvalidated: boolean | "seq";
}
interface Outgoing {
  packet: { type: string; target?: string | null; payload: { timeout?: number } };
}

export class ResilientAmqp extends Transporters.AMQP {
  declare connection: ChannelModel | null;
  declare channel: Channel | null;
  private neighbours!: FailureDetector;
  private stopped = new AbortController();
  private attempts = 0;
  private complaint = "";

  constructor(url: string) {
    // Requests a node has in hand at once. With one, the default, two services that call each other deadlock.
    super({ url, prefetch: 100 });
  }

  override init(...args: Parameters<Transporters.AMQP["init"]>): void {
    super.init(...args);
    this.neighbours = new FailureDetector(this.broker, () => this.lose(this.connection!));
    // Moleculer tells the others of new services a second late.
    this.broker.localBus.on(
      "$broker.started",
      () => void this.transit.discoverer.sendLocalNodeInfo(),
    );
    this.settleWhatTimedOut();
  }

  /** Moleculer forgets a call that timed out and leaves it tracked, so that a later stop would wait for it in vain. */
  private settleWhatTimedOut(): void {
    const { transit } = this;
    const remove = transit.removePendingRequest.bind(transit);
    const overdue = new Errors.RequestTimeoutError({ action: "", nodeID: "" });
    transit.removePendingRequest = (id) => {
      const request = transit.pendingRequests.get(id);
      remove(id);
      // Later than the answer, if there is one; then this has no effect.
      if (request) queueMicrotask(() => request.reject(overdue));
    };
  }

  /** Stays connected until the broker stops. Transit hears of no failure, so its own retry never starts. */
  override async connect(): Promise<void> {
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.stayConnected(signal, () => (failures = 0));
      } catch (error) {
        if (this.connection) this.lose(this.connection);
        if (!signal.aborted) this.complain(error as Error);
      }
      this.letStartGoOn();
      // Full jitter, so that nodes do not come back in step; a second at most, so that service is back within two.
      const longest = Math.min(200 * 2 ** failures, 1000);
      await pause(Math.random() * longest, null, { signal }).catch(() => null);
    }
  }

  /** Resolves when the connection is lost, rejects when there was none. */
  private async stayConnected(signal: AbortSignal, onJoined: () => void): Promise<void> {
    const urls = [this.opts.url ?? []].flat();
    const connection = await openConnection(urls[this.attempts++ % urls.length] ?? "");
    if (signal.aborted) return connection.close();
    const lost = new Promise<void>((resolve) => connection.once("close", () => resolve()));
    await this.join(connection);
    onJoined();
    await lost;
  }

  private async join(connection: ChannelModel): Promise<void> {
    const channel = await connection.createChannel();
    channel.on("error", (error) =>
      this.logger.warn(`RabbitMQ closed the channel: ${error.message}`),
    );
    channel.on("return", (message) => this.neighbours.forget(this.addressee(message)));
    channel.once("close", () => this.lose(connection));
    await channel.prefetch(this.opts.prefetch!);
    // Who stopped meanwhile saw no connection to close.
    if (this.stopped.signal.aborted) return connection.close();
    this.connection = connection;
    this.channel = channel;
    this.neighbours.watch();
    this.announceAnew();
    // A new Transit subscribes by itself; after that it leaves it to us.
    const isAgain = this.transit.isReady;
    if (isAgain) await this.transit.makeSubscriptions();
    await this.onConnected(isAgain);
    this.complaint = "";
    this.logger.info("Connected to RabbitMQ.");
  }

  /** The others learn that this is another connection: what they sent to the last one is lost, or its answer was. */
  private announceAnew(): void {
    this.broker.metadata.joinedAt = Date.now();
    (this.broker.registry as unknown as OwnInfo).localNodeInfoInvalidated = "seq";
  }

  /**
   * A closed channel ends its connection too: nothing reopens a channel, a new connection sets everything up. Whoever waits for an
   * answer is rejected now, and while nobody is in sight calls are refused at once.
   */
  private lose(connection: ChannelModel): void {
    if (this.connection !== connection) return;
    this.connected = false;
    this.connection = this.channel = null;
    this.neighbours.rest();
    connection.close().catch(() => null);
    if (this.stopped.signal.aborted) return;
    this.logger.warn("Lost the connection to RabbitMQ.");
    this.broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
    this.neighbours.forgetAll();
  }

  /** Without RabbitMQ a broker starts all the same, and is to Transit one that has just lost its connection. */
  private letStartGoOn(): void {
    const starting = this.transit as unknown as StartingTransit;
    if (!starting.__connectResolve) return;
    this.transit.connected = this.transit.isReady = true;
    starting.__connectResolve(null);
    starting.__connectResolve = null;
  }

  /** Each new reason once: attempts come every second. */
  private complain({ message }: Error): void {
    if (message !== this.complaint) this.logger.warn(`${message}; trying again.`);
    this.complaint = message;
  }

  override async disconnect(): Promise<void> {
    this.stopped.abort();
    const { channel, connection } = this;
    if (!channel || !connection) return;
    const closed = new Promise((resolve) => connection.once("close", resolve));
    // The channel first: its goodbye queues up behind the last answers, the connection's would overtake them.
    channel.close().catch(() => null);
    await Promise.race([closed, pause(1000, null, { ref: false })]);
    socketOf(connection).destroy(); // a frozen RabbitMQ says no goodbye
  }

  /** Acks go to the channel the message came on, or nowhere: on another one they are an error that closes it. */
  override _consumeCB(
    command: string,
    needsAck = false,
  ): (message: ConsumeMessage | null) => Promise<void> {
    const channel = this.channel;
    const isCurrent = () => channel !== null && this.channel === channel;
    return async (message) => {
      if (!isCurrent()) return;
      // No message: RabbitMQ cancelled the consumer, because its queue is gone.
      if (!message || this.neighbours.overslept()) return this.lose(this.connection!);
      if (!needsAck || this.isWanted(message)) await this.receive(command, message.content);
      if (needsAck && isCurrent()) channel!.ack(message);
    };
  }

  /** A request that was delivered before may have been carried out before: whether to repeat it is for its caller to say. */
  private isWanted(request: ConsumeMessage): boolean {
    return !request.fields.redelivered && !this.isLate(request);
  }

  /** RabbitMQ expires what waits in a queue, but not what waited in a socket, ours or the caller's. In doubt it is late. */
  private isLate({ properties: { appId, timestamp, expiration } }: ConsumeMessage): boolean {
    if (!expiration) return false;
    return (
      (this.neighbours.atMostSince(appId as string, timestamp as number) ?? 0) > Number(expiration)
    );
  }

  /** What is sent to one node is sent back if that node has no queue any more. */
  override async send(topic: string, data: Buffer, { packet }: Outgoing): Promise<void> {
    const channel = this.channel!; // while there is none, prepublish() lets nothing through
    if (packet.target == null) channel.publish(topic, "", data);
    else channel.sendToQueue(topic, data, { mandatory: true, ...this.deadline(packet) });
  }

  private deadline({ type, payload }: Outgoing["packet"]): object {
    if (type !== "REQ" || !payload.timeout) return {};
    return { appId: this.nodeID, timestamp: Date.now(), expiration: Math.ceil(payload.timeout) };
  }

  private addressee({ fields: { routingKey } }: Message): string {
    const [, nodeID = ""] = routingKey.slice(this.prefix.length + 1).split(/\.(.*)/s);
    return nodeID;
  }

  /** A node's queues leave with it; those of a node that died together with RabbitMQ leave a minute later. */
  override _getQueueOptions(): Record<string, unknown> {
    return { autoDelete: true, expires: 60_000 };
  }
}
