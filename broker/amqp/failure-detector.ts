/**
 * A failure detector whose cost per node does not depend on the number of nodes. The nodes form a ring: each sends a
 * heartbeat to its successor every 1.25 s. A heartbeat to a dead node is returned, because its queue is gone, and the
 * sender broadcasts that. Nodes that owe an answer, and a predecessor that is silent, are pinged twice a second; one
 * that does not answer for two seconds is suspected to be frozen. A suspect is evicted: it becomes unavailable in
 * Moleculer's registry, and its pending requests are rejected. A node that learns that it is suspected announces itself.
 */
import type { ServiceBroker, Transit } from "moleculer";
import { meterOf } from "../metrics/meter.ts";
import type { PeerClocks } from "./peer-clocks.ts";
import { Agreement } from "./agreement.ts";
import { neighbours } from "./ring.ts";

/** Time between two looks at the nodes, which send nothing by themselves (ms). */
const TICK = 250;
const HEARTBEAT_INTERVAL = 1250;
const PING_INTERVAL = 500;
/** A node that owes an answer and was silent for this long is evicted; one ping must have had half of it (ms). */
const SUSPECT_TIMEOUT = 1900;
/** A predecessor that was silent for this long owes an answer (ms). */
const SILENCE = 2000;
/** This process was suspended when no look took place for this long: other nodes may have evicted it (ms). */
const SUSPENDED = 1500;
/** One node in the cluster broadcasts its heartbeat about this often (s), so that separated rings meet. */
const BROADCAST_EVERY = 10;
/** Time between two removals of nodes that have been offline for ten minutes (ms). */
const REMOVAL_INTERVAL = 60_000;
/** The type of the packet with a Suspicion. */
const SUSPICION = "SUSPICION";

interface Options {
  /** The time of a message through RabbitMQ (ms). */
  latency(): number;
  /** This process did not run for longer than the timeout allows. */
  onSuspended(): void;
}

/** What is known of an available node (times of our monotonic clock). */
interface Peer {
  seenAt: number;
  joinedAt: number | undefined;
  owesSince?: number;
  firstPingAt?: number;
  pingedAt?: number;
}

interface NodeEvent {
  node: { id: string; local: boolean; metadata: { joinedAt?: number } | null };
}
interface Payload {
  sender: string;
}
interface Heartbeat extends Payload {
  seq: number;
  instanceID: string;
  joinedAt: number;
  digest: string;
  /** The sender's monotonic and wall clocks (ms). */
  sentAt: number;
  time: number;
}
interface Suspicion extends Payload {
  node: string;
  joinedAt: number | undefined;
  isGone: boolean;
}

export class FailureDetector {
  private readonly broker: ServiceBroker;
  private readonly clocks: PeerClocks;
  private readonly options: Options;
  private readonly peers = new Map<string, Peer>();
  private timer: NodeJS.Timeout | undefined;
  private tickedAt = 0;
  private heartbeatAt = 0;
  private removedAt = 0;
  private readonly agreement: Agreement;

  constructor(broker: ServiceBroker, clocks: PeerClocks, options: Options) {
    [this.broker, this.clocks, this.options] = [broker, clocks, options];
    this.agreement = new Agreement(broker, () => this.askAll());
    broker.localBus.on("$node.connected", (event: NodeEvent) => this.onNode(event));
    broker.localBus.on("$node.updated", (event: NodeEvent) => this.onNode(event));
    broker.localBus.on("$node.disconnected", ({ node }: NodeEvent) => this.peers.delete(node.id));
  }

  start(): void {
    this.stop();
    const now = performance.now();
    this.tickedAt = now;
    this.timer = setInterval(() => this.tick(), TICK);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Whether this process was suspended so long that other nodes have evicted it and rejected its requests. */
  wasSuspended(): boolean {
    return this.timer !== undefined && performance.now() - this.tickedAt > SUSPENDED;
  }

  /** Takes a packet of another node. Returns whether it was for the detector only. */
  onPacket(command: string, payload: Payload): boolean {
    const peer = this.peers.get(payload.sender);
    if (peer) peer.seenAt = performance.now();
    if (command === SUSPICION) this.onSuspicion(payload as Suspicion);
    // Moleculer's handler then asks a node that it does not know, or that has changed, for its services.
    if (command === "HEARTBEAT") this.onHeartbeat(payload as Heartbeat);
    return command === SUSPICION;
  }

  /** RabbitMQ returned a message to the node: it has no queue. */
  onReturned(nodeID: string): void {
    meterOf(this.broker).count("souk_amqp_unroutable_total");
    if (this.peers.has(nodeID)) this.suspect(nodeID, true);
    else this.broker.transit!.removePendingRequestByNodeID(nodeID);
  }

  evictAll(): void {
    for (const id of this.availableNodes()) this.evict(id);
  }

  /** Makes the node unavailable and rejects its pending requests. */
  private evict(nodeID: string): void {
    this.peers.delete(nodeID);
    this.broker.registry.nodes.disconnected(nodeID, true);
    // disconnected() rejects only while the node is available; a request may have been sent just before.
    this.broker.transit!.removePendingRequestByNodeID(nodeID);
  }

  /** Evicts the node here, and tells all nodes. */
  private suspect(nodeID: string, isGone: boolean): void {
    const joinedAt = this.peers.get(nodeID)?.joinedAt;
    const reason = isGone ? "gone" : "frozen";
    meterOf(this.broker).count("souk_suspicions_total", { reason });
    this.evict(nodeID);
    this.send(SUSPICION, null, { node: nodeID, joinedAt, isGone });
  }

  private onSuspicion({ node, joinedAt, isGone }: Suspicion): void {
    if (node === this.broker.nodeID) return this.refute(joinedAt);
    const peer = this.peers.get(node);
    // A connection that was made since then is another one, and this node may know better.
    const isSame = peer?.joinedAt === joinedAt;
    const isSilent = peer && performance.now() - peer.seenAt > HEARTBEAT_INTERVAL;
    if (peer && isSame && (isGone || isSilent)) this.evict(node);
  }

  private refute(joinedAt: number | undefined): void {
    if (joinedAt === this.broker.metadata.joinedAt)
      void this.broker.transit!.discoverer.sendLocalNodeInfo();
  }

  private availableNodes(): string[] {
    const nodes = this.broker.registry.nodes.toArray();
    return nodes.filter((node) => node.available && !node.local).map((node) => node.id);
  }

  private tick(): void {
    if (this.wasSuspended()) return this.options.onSuspended();
    const now = (this.tickedAt = performance.now());
    const ids = [...this.peers.keys()];
    const ring = neighbours(this.broker.nodeID, ids);
    if (now - this.heartbeatAt > HEARTBEAT_INTERVAL - TICK / 2) this.beat(now, ring?.successor);
    const owing = new Set([...this.broker.transit!.pendingRequests.values()].map(nodeOf));
    if (ring && this.isSilent(ring.predecessor, now)) owing.add(ring.predecessor);
    for (const [id, peer] of this.peers) {
      if (owing.has(id)) this.watch(id, peer, now);
      else peer.owesSince = peer.firstPingAt = undefined;
    }
    if (now - this.removedAt > REMOVAL_INTERVAL) this.removeOfflineNodes(now);
  }

  private isSilent(nodeID: string, now: number): boolean {
    return now - this.peers.get(nodeID)!.seenAt > SILENCE + 2 * this.options.latency();
  }

  /** Pings a node that owes an answer, unless it has just been heard from, and suspects it after the timeout. */
  private watch(id: string, peer: Peer, now: number): void {
    const { latency } = this.options;
    peer.owesSince ??= now;
    if (now - peer.seenAt < PING_INTERVAL) return void (peer.firstPingAt = undefined);
    const timeout = SUSPECT_TIMEOUT + 4 * latency();
    const silentSince = Math.max(peer.seenAt, peer.owesSince);
    const hadTime = peer.firstPingAt !== undefined && now - peer.firstPingAt > timeout / 2;
    if (hadTime && now - silentSince > timeout) return this.suspect(id, false);
    if (now - (peer.pingedAt ?? 0) < PING_INTERVAL - TICK / 2) return;
    peer.pingedAt = now;
    peer.firstPingAt ??= now;
    void this.broker.transit!.sendPing(id).catch(() => null);
  }

  private beat(now: number, successor: string | undefined): void {
    this.heartbeatAt = now;
    const { nodeID, instanceID, metadata, registry } = this.broker;
    const { seq } = registry.nodes.get(nodeID)!;
    const digest = this.agreement.digest();
    const joinedAt = metadata.joinedAt as number;
    const heartbeat = { seq, instanceID, joinedAt, digest, sentAt: now, time: Date.now() };
    if (successor !== undefined) this.send("HEARTBEAT", successor, heartbeat);
    if (Math.random() * BROADCAST_EVERY * (this.peers.size + 1) < 1)
      this.send("HEARTBEAT", null, heartbeat);
  }

  private onHeartbeat(heartbeat: Heartbeat): void {
    const { sender, instanceID, sentAt, time, joinedAt, digest } = heartbeat;
    if (sender === this.broker.nodeID) return;
    const peer = this.peers.get(sender);
    // A frozen RabbitMQ node delivers those of a former connection when it runs again.
    if (peer?.joinedAt === joinedAt) this.clocks.measure(sender, instanceID, sentAt, time);
    else if (peer) void this.broker.transit!.discoverNode(sender);
    this.agreement.compare(digest, this.options.latency());
  }

  /** Exchanges services with all nodes. Those that do not answer are pinged as if they owed an answer. */
  private askAll(): void {
    this.broker.logger.info("Another node knows other nodes than this one: they are asked again.");
    void this.broker.transit!.discoverer.sendLocalNodeInfo();
    void this.broker.transit!.discoverer.discoverAllNodes();
    for (const id of this.peers.keys()) void this.broker.transit!.sendPing(id).catch(() => null);
  }

  /** Moleculer removes them by its own heartbeats only. */
  private removeOfflineNodes(now: number): void {
    this.removedAt = now;
    this.broker.registry.discoverer.checkOfflineNodes();
  }

  private send(type: string, target: string | null, payload: object): void {
    // The cast: Moleculer declares its own packet types only.
    const packet = { type, target, payload } as unknown as Parameters<Transit["publish"]>[0];
    void this.broker.transit!.publish(packet).catch(() => null);
  }

  /** A node with a new connection or process never answers requests that it received before. */
  private onNode({ node }: NodeEvent): void {
    if (node.local) return;
    const joinedAt = node.metadata?.joinedAt;
    const peer = this.peers.get(node.id);
    if (peer && peer.joinedAt !== joinedAt)
      this.broker.transit!.removePendingRequestByNodeID(node.id);
    this.peers.set(node.id, { seenAt: performance.now(), joinedAt });
  }
}

const nodeOf = ({ nodeID }: { nodeID: string }) => nodeID;
