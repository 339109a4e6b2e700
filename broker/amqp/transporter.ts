/**
 * An AMQP transporter for Moleculer that fails fast and reconnects. The stock one handles one request at a time
 * per node, needs RabbitMQ to start, waits five seconds before each reconnect, does not notice a closed channel,
 * leaves the requests to a dead node pending until they time out, and loses its queues with one node of a RabbitMQ
 * cluster. Packets stay Moleculer's; exchanges and queues do not. The reasons are in docs/decisions/016.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { ConsumeMessage, Message } from "amqplib";
import { Errors, Transporters, type BrokerOptions } from "moleculer";
import { FailureDetector } from "./failure-detector.ts";
import { measureTransporter } from "./measure.ts";
import { Hosts } from "./hosts.ts";
import { finishStart, markNewConnection, settleTimedOutRequests } from "./moleculer-internals.ts";
import { PeerClocks } from "./peer-clocks.ts";
import { PROBE, Probe } from "./probe.ts";
import type { BrokerState } from "./reachability.ts";
import { Session, type Receiver } from "./session.ts";
import { SetUp } from "./set-up.ts";
import { Topology } from "./topology.ts";

/** Broker options that belong with this transporter. */
export const brokerDefaults = {
  // The default is no timeout. A request also expires in its queue after this time.
  requestTimeout: 5000,
  // No heartbeats of Moleculer: the failure detector sends its own, and removes offline nodes.
  heartbeatInterval: 0,
  heartbeatTimeout: 0,
  // On SIGTERM, other nodes get this time to stop sending requests. Then running requests may finish.
  registry: { stopDelay: 500 },
  tracking: { enabled: true, shutdownTimeout: 3000 },
} satisfies BrokerOptions;

/** Backoff after all hosts failed (ms): doubles from the first value up to the second. */
const BACKOFF = { first: 200, max: 1000 };
/** `urls` names the nodes of a RabbitMQ cluster as AMQP_URL does: separated by commas or semicolons. */
export const amqp = (urls: string): ResilientAmqp => new ResilientAmqp(urls);

interface Outgoing {
  packet: { type: string; target?: string | null; payload: { timeout?: number } };
}
type MessageHandler = (command: string, packet: { payload: { sender: string } }) => unknown;

export class ResilientAmqp extends Transporters.Base implements Receiver {
  /** The current connection. */
  session: Session | null = null;
  /** Connection attempts so far. */
  attempts = 0;
  private readonly hosts: Hosts;
  private topology!: Topology;
  private detector!: FailureDetector;
  private clocks!: PeerClocks;
  private probe!: Probe;
  private setUpQueues!: SetUp;
  private stopped = new AbortController();
  /** Attempts since the last connection. */
  private failures = 0;
  /** Reasons that were logged since the last connection. */
  private readonly warned = new Set<string>();

  constructor(urls: string) {
    super({});
    this.hosts = new Hosts(urls);
    // Balanced queues would bypass the failure detector. Moleculer then warns, and uses its own balancer.
    this.hasBuiltInBalancer = false;
  }

  /** What this node can do over RabbitMQ now. */
  get state(): BrokerState {
    if (this.session?.alarm) return "blocked";
    if (!this.session || !this.connected) return "disconnected";
    return this.probe.isOverdue ? "unrouted" : "up";
  }

  /** Per node: how far its wall clock is ahead of this node's (ms). Nodes that were not measured are missing. */
  clockOffsets(): Record<string, number> {
    return this.clocks.offsets();
  }

  override init(...[transit, handle, afterConnect]: Parameters<Transporters.Base["init"]>): void {
    const onPacket: MessageHandler = (command, packet) =>
      // The cast: Moleculer declares packets as strings.
      this.detector.onPacket(command, packet.payload) ||
      (handle as unknown as MessageHandler)(command, packet);
    super.init(transit, onPacket as never, afterConnect);
    this.topology = new Topology(this.prefix, this.nodeID);
    this.probe = new Probe(this.topology, this.logger, this.hosts.count > 1);
    this.setUpQueues = new SetUp(this.topology, this.hosts, this.probe);
    this.clocks = new PeerClocks(this.broker, () => this.probe.latency);
    this.detector = new FailureDetector(this.broker, this.clocks, {
      latency: () => this.probe.latency,
      onSuspended: () => this.session?.drop("this process was suspended"),
    });
    // Moleculer announces new services a second late.
    this.broker.localBus.on("$broker.started", () => this.announce());
    settleTimedOutRequests(transit);
    measureTransporter(this.broker, () => ({ state: this.state, latency: this.probe.latency }));
  }

  /** Connects and reconnects until the broker stops. Never rejects, so Transit's own five-second retry never starts. */
  override async connect(): Promise<void> {
    this.stopped = new AbortController();
    const { signal } = this.stopped;
    for (this.failures = 0; !signal.aborted; this.failures++) {
      try {
        const reason = await this.runSession(signal);
        if (!signal.aborted) this.logger.warn(`Lost the connection to RabbitMQ: ${reason}.`);
      } catch (error) {
        if (!signal.aborted) this.warnOnce((error as Error).message);
      }
      finishStart(this.transit);
      // Another host is tried at once. After all of them, with full jitter: nodes do not reconnect in step.
      const rounds = Math.floor((this.failures + 1) / this.hosts.count);
      const isRoundOver = (this.failures + 1) % this.hosts.count === 0;
      const longest = isRoundOver ? Math.min(BACKOFF.first * 2 ** (rounds - 1), BACKOFF.max) : 0;
      await pause(Math.random() * longest, null, { signal }).catch(() => null);
    }
  }

  /** Resolves with the reason when an established session is lost. Rejects when none could be established. */
  private async runSession(signal: AbortSignal): Promise<string> {
    this.attempts++;
    const url = this.hosts.next();
    const session = await Session.open(url, this.topology).catch((error: Error) => {
      this.hosts.failed(url);
      throw error;
    });
    // disconnect() may have run during the handshake, when there was no session to close.
    if (signal.aborted) return (session.drop(""), session.lost);
    this.session = session;
    try {
      await session.whileUsable(this.setUp(session));
      this.failures = 0;
      return await session.lost.finally(() => this.hosts.failed(url));
    } finally {
      session.drop("it could not be set up");
      this.leave();
    }
  }

  private async setUp(session: Session): Promise<void> {
    markNewConnection(this.broker);
    // Transit subscribes only at its first connection.
    const isReconnect = this.transit.isReady;
    if (isReconnect) await this.transit.makeSubscriptions();
    await this.onConnected(isReconnect);
    if (session.isLost) return;
    this.warned.clear();
    this.logger.info(`Connected to RabbitMQ at ${session.host}.`);
  }

  /** Declares and consumes this node's queues, and returns when it has received a message of its own by each way. */
  override async makeSubscriptions(): Promise<void> {
    await this.setUpQueues.run(this.session!, this, this.failures);
    this.detector.start();
  }

  /** Sends this node's services to all nodes. */
  private announce(): void {
    void this.transit.discoverer.sendLocalNodeInfo();
  }

  /** Evicts all nodes: pending requests are rejected now, and new calls are refused at once. */
  private leave(): void {
    this.connected = false;
    this.session = null;
    this.detector.stop();
    this.probe.stop();
    if (this.stopped.signal.aborted) return;
    this.broker.broadcastLocal("$transporter.disconnected", { graceFul: false });
    this.detector.evictAll();
  }

  /** Logs a reason once: attempts fail about every second, and may do so at several hosts in turn. */
  private warnOnce(message: string): void {
    if (!this.warned.has(message)) this.logger.warn(`${message} The node keeps trying.`);
    this.warned.add(message);
  }

  override async disconnect(): Promise<void> {
    this.stopped.abort();
    await this.session?.close();
  }

  /** While RabbitMQ accepts no messages, a node behaves as without a connection: what it sent would only be buffered. */
  onBlocked(reason: string): void {
    const fact = `RabbitMQ has an alarm (${reason}) and accepts no messages.`;
    if (!this.warned.has(fact))
      this.logger.warn(`${fact} Calls to other nodes are refused until it ends.`);
    this.warned.add(fact);
    this.connected = false;
    this.probe.stop();
    this.detector.stop();
    this.detector.evictAll();
  }

  onUnblocked(): void {
    this.logger.info("RabbitMQ's alarm has ended.");
    this.warned.clear();
    void this.probe.start(this.session!).catch(() => null); // it drops the session
    this.detector.start();
    this.connected = true;
    markNewConnection(this.broker);
    this.announce();
    void this.transit.discoverer.discoverAllNodes();
  }

  /** A returned message: the node that it was sent to has no queue, so it is dead. */
  onReturned({ fields: { routingKey } }: Message): void {
    this.detector.onReturned(routingKey);
  }

  async onMessage(message: ConsumeMessage, isRequest: boolean): Promise<void> {
    const { type } = message.properties;
    if (type === PROBE) return this.probe.onArrived(message);
    if (this.detector.wasSuspended()) return this.session?.drop("this process was suspended");
    if (!isRequest || this.shouldHandle(message))
      await this.receive(type as string, message.content);
  }

  /** A redelivered request may have been handled already. Only its caller can decide to repeat it. */
  private shouldHandle(request: ConsumeMessage): boolean {
    return !request.fields.redelivered && !this.isExpired(request);
  }

  /** RabbitMQ expires messages in its queues, but not those in a socket's buffer. */
  private isExpired({ properties: { appId, timestamp, expiration } }: ConsumeMessage): boolean {
    if (!expiration) return false;
    return this.clocks.ageOf(appId as string, timestamp as number) > Number(expiration);
  }

  /** Messages to one node are mandatory: RabbitMQ returns them if the node has no queue. */
  override async send(_topic: string, data: Buffer, { packet }: Outgoing): Promise<void> {
    const { session } = this;
    if (!session || session.isLost)
      throw new Errors.BrokerDisconnectedError("The connection is lost.");
    const { type, target } = packet;
    if (target == null) return this.topology.toAll(session.channel, data, type);
    const isRequest = type === "REQ";
    const options = isRequest ? { type, ...this.expirationOf(packet) } : { type };
    const queue = isRequest ? "requests" : "packets";
    this.topology.toNode(session.channel, queue, target, data, options);
  }

  /** The time of sending is that of the monotonic clock of this process, which `appId` names. */
  private expirationOf({ payload: { timeout } }: Outgoing["packet"]): object {
    if (!timeout) return {};
    const timestamp = Math.floor(performance.now());
    return { appId: this.broker.instanceID, timestamp, expiration: Math.ceil(timeout) };
  }

  override async subscribe(): Promise<void> {}
  override async subscribeBalancedRequest(): Promise<void> {}
  override async subscribeBalancedEvent(): Promise<void> {}
}
