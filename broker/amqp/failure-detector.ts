/**
 * A failure detector by timeout. Each node pings every available node twice a second. A node that has not
 * answered for two seconds is suspected to be dead and evicted: it becomes unavailable in Moleculer's registry,
 * and its pending requests are rejected. The suspicion may be wrong (the node was frozen, or its network was
 * cut); a late pong discovers the node again.
 *
 * Pings are `mandatory` messages. The queue of a dead node is gone, so RabbitMQ returns its ping at once and the
 * transporter evicts the node without waiting for the timeout. The timeout detects frozen nodes.
 *
 * Pongs also measure the difference between two nodes' clocks, to compute the age of a request.
 */
import type { ServiceBroker } from "moleculer";

/** Time between two pings (ms). */
const PING_INTERVAL = 500;
/** A node that was silent for this long is evicted (ms). */
const SUSPECT_TIMEOUT = 2000;
/** After connecting, all nodes are asked for their services again for this long (ms). */
const DISCOVERY_PERIOD = 3000;

interface NodeEvent {
  node: { id: string; local: boolean; metadata: { joinedAt?: number } | null };
}
interface Pong {
  nodeID: string;
  elapsedTime: number;
  timeDiff: number;
}

/** A measurement of another node's wall clock, taken at `readAt` on our monotonic clock (all in ms). */
interface ClockOffset {
  /** Our wall clock minus the other one. */
  offset: number;
  /** The largest possible error of `offset` at `readAt`. */
  error: number;
  readAt: number;
}

/** The error now: clocks drift apart by far less than a millisecond per second. */
const errorOf = ({ error, readAt }: ClockOffset): number =>
  error + (performance.now() - readAt) / 1000;

export class FailureDetector {
  private readonly broker: ServiceBroker;
  private readonly onSuspended: () => void;
  private timer: NodeJS.Timeout | undefined;
  private pingedAt = 0;
  private startedAt = 0;
  /** Per node: when it last answered (our monotonic clock), its clock, and when it joined (its own wall clock). */
  private readonly lastSeen = new Map<string, number>();
  private readonly clocks = new Map<string, ClockOffset>();
  private readonly joinedAt = new Map<string, number | undefined>();

  /** `onSuspended` is called when this process itself did not run for longer than the timeout allows. */
  constructor(broker: ServiceBroker, onSuspended: () => void) {
    this.broker = broker;
    this.onSuspended = onSuspended;
    broker.localBus.on("$node.connected", (event: NodeEvent) => this.onNode(event));
    broker.localBus.on("$node.updated", (event: NodeEvent) => this.onNode(event));
    broker.localBus.on("$node.pong", (pong: Pong) => this.onPong(pong));
  }

  start(): void {
    this.pingedAt = this.startedAt = performance.now();
    this.timer = setInterval(() => this.ping(), PING_INTERVAL);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Whether this process was suspended so long that other nodes have evicted it and rejected its requests. */
  wasSuspended(): boolean {
    return performance.now() - this.pingedAt > SUSPECT_TIMEOUT - PING_INTERVAL;
  }

  /**
   * The largest possible age (ms) of a message that the node sent at `sentAt` by its own wall clock. Undefined
   * while that clock is unknown.
   */
  maxAge(nodeID: string, sentAt: number): number | undefined {
    const clock = this.clocks.get(nodeID);
    return clock && Date.now() - clock.offset + errorOf(clock) - sentAt;
  }

  /** Makes the node unavailable and rejects its pending requests. */
  evict(nodeID: string): void {
    for (const known of [this.lastSeen, this.clocks, this.joinedAt]) known.delete(nodeID);
    this.broker.registry.nodes.disconnected(nodeID, true);
    // disconnected() rejects only while the node is available; a request may have been sent just before.
    this.broker.transit!.removePendingRequestByNodeID(nodeID);
  }

  evictAll(): void {
    for (const id of this.availableNodes()) this.evict(id);
  }

  private availableNodes(): string[] {
    const nodes = this.broker.registry.nodes.toArray();
    return nodes.filter((node) => node.available && !node.local).map((node) => node.id);
  }

  private ping(): void {
    if (this.wasSuspended()) return this.onSuspended();
    this.pingedAt = performance.now();
    // Both sides of a new connection subscribe at their own pace, so the first DISCOVER packet may be lost.
    if (this.pingedAt - this.startedAt < DISCOVERY_PERIOD)
      void this.broker.transit!.discoverer.discoverAllNodes();
    for (const id of this.availableNodes()) {
      if (this.isSuspect(id)) this.evict(id);
      else void this.broker.transit!.sendPing(id);
    }
  }

  private isSuspect(nodeID: string): boolean {
    return this.pingedAt - this.lastSeen.get(nodeID)! > SUSPECT_TIMEOUT;
  }

  private onPong({ nodeID, elapsedTime, timeDiff }: Pong): void {
    const readAt = performance.now();
    this.lastSeen.set(nodeID, readAt);
    // Moleculer assumes equal times for both directions. Both clocks count whole milliseconds.
    const measured = { offset: timeDiff, error: Math.abs(elapsedTime) / 2 + 2, readAt };
    const known = this.clocks.get(nodeID);
    // A slow answer is a poor measurement.
    if (!known || measured.error <= errorOf(known)) this.clocks.set(nodeID, measured);
    const wasEvicted = !this.availableNodes().includes(nodeID);
    if (wasEvicted) void this.broker.transit!.discoverNode(nodeID);
  }

  /** A node with a new connection or process never answers requests that it received before. */
  private onNode({ node }: NodeEvent): void {
    if (node.local) return;
    this.lastSeen.set(node.id, performance.now());
    const joinedAt = node.metadata?.joinedAt;
    if (this.joinedAt.get(node.id) !== joinedAt)
      this.broker.transit!.removePendingRequestByNodeID(node.id);
    this.joinedAt.set(node.id, joinedAt);
  }
}
