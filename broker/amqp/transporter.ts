/**
 * An AMQP transporter for Moleculer that fails fast and reconnects. The stock one handles one request at a time
 * per node, needs RabbitMQ to start, waits five seconds before each reconnect, does not notice a closed channel,
 * and leaves the requests to a dead node pending until they time out. Queues, topics and packets stay Moleculer's,
 * so that stock nodes can join. The reasons are in docs/decisions/002.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Channel, ChannelModel, ConsumeMessage, Message } from "amqplib";
import { Errors, Transporters, type BrokerOptions } from "moleculer";
import { openConnection, socketOf } from "./connection.ts";
import { FailureDetector } from "./failure-detector.ts";
import type { BrokerState } from "./reachability.ts";

/** Broker options that belong with this transporter. */
export const brokerDefaults = {
  // The default is no timeout. A request also expires in its queue after this time.
  requestTimeout: 5000,
  // The failure detector is faster. Heartbeats bring back a node that was evicted by mistake.
  heartbeatInterval: 5,
  heartbeatTimeout: 15,
  // On SIGTERM, other nodes get this time to stop sending requests. Then running requests may finish.
  registry: { stopDelay: 500 },
  tracking: { enabled: true, shutdownTimeout: 3000 },
} satisfies BrokerOptions;

/** Requests that a node handles at once. With the default, 1, two services that call each other deadlock. */
const PREFETCH = 100;
/** Backoff between two connection attempts (ms): doubles from the first value up to the second. */
const BACKOFF = { first: 200, max: 1000 };
/** A frozen RabbitMQ does not confirm the end of a connection; it is cut after this time (ms). */
const CLOSE_TIMEOUT = 1000;
/** The queues of a node that died together with RabbitMQ are deleted after this time (ms). */
const QUEUE_EXPIRY = 60_000;

/** `url` may name several RabbitMQ nodes, separated by semicolons: they are tried in turn. */
export const amqp = (url: string): ResilientAmqp => new ResilientAmqp(url);

/** Internals that Moleculer does not declare. */
interface StartingTransit {
  __connectResolve: ((value: null) => void) | null;
}
interface LocalNodeInfo {
  localNodeInfoInvalidated: boolean | "seq";
}
interface Outgoing {
  packet: { type: string; target?: string | null; payload: { timeout?: number } };
}

export class ResilientAmqp extends Transporters.AMQP {
  declare connection: ChannelModel | null;
  declare channel: Channel | null;
  private detector!: FailureDetector;
  private stopped = new AbortController();
  private attempts = 0;
  private lastWarning = "";

  constructor(url: string) {
    super({ url, prefetch: PREFETCH });
  }

  get state(): BrokerState {
    return this.connected ? "up" : "disconnected";
  }

  override init(...args: Parameters<Transporters.AMQP["init"]>): void {
    super.init(...args);
    this.detector = new FailureDetector(this.broker, () => this.dropConnection(this.connection!));
    // Moleculer announces new services a second late.
    this.broker.localBus.on(
      "$broker.started",
      () => void this.transit.discoverer.sendLocalNodeInfo(),
    );
    this.settleTimedOutRequests();
  }

  /**
   * Rejects each request that Moleculer removes. Moleculer removes a request that timed out but keeps tracking it,
   * so that a later stop would wait for it until the shutdown timeout.
   */
  private settleTimedOutRequests(): void {
    const { transit } = this;
    const remove = transit.removePendingRequest.bind(transit);
    const timeout = new Errors.RequestTimeoutError({ action: "", nodeID: "" });
    transit.removePendingRequest = (id) => {
      const request = transit.pendingRequests.get(id);
      remove(id);
      // In a microtask, so that an answer that is being handled wins.
      if (request) queueMicrotask(() => request.reject(timeout));
    };
  }

  /** Connects and reconnects until the broker stops. Never rejects, so Transit's own five-second retry never starts. */
  override async connect(): Promise<void> {
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.runConnection(signal, () => (failures = 0));
      } catch (error) {
        if (this.connection) this.dropConnection(this.connection);
        if (!signal.aborted) this.warnOnce((error as Error).message);
      }
      this.finishStart();
      // Full jitter: nodes do not reconnect in step.
      const longest = Math.min(BACKOFF.first * 2 ** failures, BACKOFF.max);
      await pause(Math.random() * longest, null, { signal }).catch(() => null);
    }
  }

  /** Resolves when an established connection is lost. Rejects when none could be established. */
  private async runConnection(signal: AbortSignal, onConnected: () => void): Promise<void> {
    const urls = [this.opts.url ?? []].flat();
    const connection = await openConnection(urls[this.attempts++ % urls.length] ?? "");
    if (signal.aborted) return connection.close();
    const lost = new Promise<void>((resolve) => connection.once("close", () => resolve()));
    await this.setUp(connection);
    onConnected();
    await lost;
  }

  private async setUp(connection: ChannelModel): Promise<void> {
    const channel = await connection.createChannel();
    channel.on("error", (error) =>
      this.logger.warn(`RabbitMQ closed the channel: ${error.message}`),
    );
    // A returned message: the node that it was sent to has no queue, so it is dead.
    channel.on("return", (message) => this.detector.evict(this.targetOf(message)));
    channel.once("close", () => this.dropConnection(connection));
    await channel.prefetch(this.opts.prefetch!);
    // disconnect() may have run during the handshake, when there was no connection to close.
    if (this.stopped.signal.aborted) return connection.close();
    this.connection = connection;
    this.channel = channel;
    this.detector.start();
    this.announceNewConnection();
    // Transit subscribes only at its first connection.
    const isReconnect = this.transit.isReady;
    if (isReconnect) await this.transit.makeSubscriptions();
    await this.onConnected(isReconnect);
    this.lastWarning = "";
    this.logger.info("Connected to RabbitMQ.");
  }

  /** Other nodes see a new `joinedAt` and reject the calls that they sent over the last connection. */
  private announceNewConnection(): void {
    this.broker.metadata.joinedAt = Date.now();
    // The cast: Moleculer does not declare it.
    (this.broker.registry as unknown as LocalNodeInfo).localNodeInfoInvalidated = "seq";
  }

  /**
   * Closes the connection and evicts all nodes: pending requests are rejected now, and new calls are refused at
   * once. A closed channel ends its connection too, because a new connection sets up everything again.
   */
  private dropConnection(connection: ChannelModel): void {
    if (this.connection !== connection) return;
    this.connected = false;
    this.connection = this.channel = null;
    this.detector.stop();
    connection.close().catch(() => null);
    if (this.stopped.signal.aborted) return;
    this.logger.warn("Lost the connection to RabbitMQ.");
    this.broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
    this.detector.evictAll();
  }

  /** Lets the broker start without RabbitMQ. Transit then behaves as after a lost connection. */
  private finishStart(): void {
    // The cast: Moleculer does not declare it.
    const starting = this.transit as unknown as StartingTransit;
    if (!starting.__connectResolve) return;
    this.transit.connected = this.transit.isReady = true;
    starting.__connectResolve(null);
    starting.__connectResolve = null;
  }

  /** Logs a reason once: attempts fail about every second. */
  private warnOnce(message: string): void {
    if (message !== this.lastWarning) this.logger.warn(`${message} The node keeps trying.`);
    this.lastWarning = message;
  }

  override async disconnect(): Promise<void> {
    this.stopped.abort();
    const { channel, connection } = this;
    if (!channel || !connection) return;
    const closed = new Promise((resolve) => connection.once("close", resolve));
    // Closing the channel is queued behind the last answers. Closing the connection would overtake them.
    channel.close().catch(() => null);
    await Promise.race([closed, pause(CLOSE_TIMEOUT, null, { ref: false })]);
    socketOf(connection).destroy();
  }

  /** Acknowledges on the channel that delivered the message, or not at all: any other channel would be closed by it. */
  override _consumeCB(
    command: string,
    needsAck = false,
  ): (message: ConsumeMessage | null) => Promise<void> {
    const channel = this.channel;
    const isCurrent = () => channel !== null && this.channel === channel;
    return async (message) => {
      if (!isCurrent()) return;
      // RabbitMQ delivers null when it cancels the consumer because the queue is gone.
      if (!message || this.detector.wasSuspended()) return this.dropConnection(this.connection!);
      if (!needsAck || this.shouldHandle(message)) await this.receive(command, message.content);
      if (needsAck && isCurrent()) channel!.ack(message);
    };
  }

  /** A redelivered request may have been handled already. Only its caller can decide to repeat it. */
  private shouldHandle(request: ConsumeMessage): boolean {
    return !request.fields.redelivered && !this.isExpired(request);
  }

  /** RabbitMQ expires messages in its queues, but not those in a socket's buffer. A doubtful request is expired. */
  private isExpired({ properties: { appId, timestamp, expiration } }: ConsumeMessage): boolean {
    if (!expiration) return false;
    const age = this.detector.maxAge(appId as string, timestamp as number) ?? 0;
    return age > Number(expiration);
  }

  /** Messages to one node are mandatory: RabbitMQ returns them if the node has no queue. */
  override async send(topic: string, data: Buffer, { packet }: Outgoing): Promise<void> {
    const channel = this.channel!; // prepublish() calls this only while there is one
    if (packet.target == null) channel.publish(topic, "", data);
    else channel.sendToQueue(topic, data, { mandatory: true, ...this.expirationOf(packet) });
  }

  private expirationOf({ type, payload }: Outgoing["packet"]): object {
    if (type !== "REQ" || !payload.timeout) return {};
    return { appId: this.nodeID, timestamp: Date.now(), expiration: Math.ceil(payload.timeout) };
  }

  /** The node that a returned message was sent to. */
  private targetOf({ fields: { routingKey } }: Message): string {
    const [, nodeID = ""] = routingKey.slice(this.prefix.length + 1).split(/\.(.*)/s);
    return nodeID;
  }

  /** RabbitMQ deletes a node's queues with its connection. */
  override _getQueueOptions(): Record<string, unknown> {
    return { autoDelete: true, expires: QUEUE_EXPIRY };
  }
}
