/** What one node knows of the others beyond Moleculer's registry: that they are there, since when, and what their clocks say. */
import type { ServiceBroker } from "moleculer";

/** Every node asks every other whether it is there, this often; who stays silent this long is gone (ms). */
const ASK_EVERY = 500;
const SILENCE = 2000;
/** For so long after joining, all others are asked again what they have (ms). */
const ASK_ANEW = 3000;

interface Seen {
  node: { id: string; local: boolean; metadata: { joinedAt?: number } | null };
}
interface Pong {
  nodeID: string;
  elapsedTime: number;
  timeDiff: number;
}

/** Another node's wall clock: ours is ahead of it by so much, give or take the error (ms), when it was read on our monotonic one. */
interface Clock {
  weAreAhead: number;
  error: number;
  readAt: number;
}

/** Clocks drift apart: by far less than a millisecond a second. */
const errorOf = ({ error, readAt }: Clock): number => error + (performance.now() - readAt) / 1000;

export class FailureDetector {
  private readonly broker: ServiceBroker;
  private readonly onOverslept: () => void;
  private asking: NodeJS.Timeout | undefined;
  private askedAt = 0;
  private joinedSelfAt = 0;
  /** By node: when it was last heard of, on our monotonic clock; what its wall clock says; when it joined, by its own. */
  private readonly heardAt = new Map<string, number>();
  private readonly clocks = new Map<string, Clock>();
  private readonly joinedAt = new Map<string, number | undefined>();

  constructor(broker: ServiceBroker, onOverslept: () => void) {
    this.broker = broker;
    this.onOverslept = onOverslept;
    broker.localBus.on("$node.connected", (seen: Seen) => this.seen(seen));
    broker.localBus.on("$node.updated", (seen: Seen) => this.seen(seen));
    broker.localBus.on("$node.pong", (pong: Pong) => this.answered(pong));
  }

  watch(): void {
    this.askedAt = this.joinedSelfAt = performance.now();
    this.asking = setInterval(() => this.askAround(), ASK_EVERY);
  }

  rest(): void {
    clearInterval(this.asking);
  }

  /** After such a sleep the others have given us up, and with us every request that waits to be read here. */
  overslept(): boolean {
    return performance.now() - this.askedAt > SILENCE - ASK_EVERY;
  }

  /** How long ago (ms) that node sent something, by its clock `sentAt`, at the most; undefined until its clock is known. */
  atMostSince(nodeID: string, sentAt: number): number | undefined {
    const clock = this.clocks.get(nodeID);
    return clock && Date.now() - clock.weAreAhead + errorOf(clock) - sentAt;
  }

  /** Takes it out of sight and rejects what it was asked. */
  forget(nodeID: string): void {
    for (const known of [this.heardAt, this.clocks, this.joinedAt]) known.delete(nodeID);
    this.broker.registry.nodes.disconnected(nodeID, true);
    // Moleculer does this for nodes still in sight; a request may have left just before.
    this.broker.transit!.removePendingRequestByNodeID(nodeID);
  }

  forgetAll(): void {
    for (const id of this.inSight()) this.forget(id);
  }

  private inSight(): string[] {
    const nodes = this.broker.registry.nodes.toArray();
    return nodes.filter((node) => node.available && !node.local).map((node) => node.id);
  }

  /** A dead node's queue is gone, so the question comes back at once; a frozen node's takes it and does not answer. */
  private askAround(): void {
    if (this.overslept()) return this.onOverslept();
    this.askedAt = performance.now();
    // Who was asked to say what it has, when we joined, may not have heard: both sides subscribe at their own pace.
    if (this.askedAt - this.joinedSelfAt < ASK_ANEW)
      void this.broker.transit!.discoverer.discoverAllNodes();
    for (const id of this.inSight()) {
      if (this.askedAt - this.heardAt.get(id)! > SILENCE) this.forget(id);
      else void this.broker.transit!.sendPing(id);
    }
  }

  private answered({ nodeID, elapsedTime, timeDiff }: Pong): void {
    const readAt = performance.now();
    this.heardAt.set(nodeID, readAt);
    // Moleculer takes the way there to be as long as the way back; both clocks count whole milliseconds.
    const read = { weAreAhead: timeDiff, error: Math.abs(elapsedTime) / 2 + 2, readAt };
    const known = this.clocks.get(nodeID);
    if (!known || read.error <= errorOf(known)) this.clocks.set(nodeID, read); // a slow answer says little
    if (!this.inSight().includes(nodeID)) void this.broker.transit!.discoverNode(nodeID); // given up too early
  }

  /** A node that joined anew, on a new connection or as a new process, will not answer what was asked before. */
  private seen({ node }: Seen): void {
    if (node.local) return;
    this.heardAt.set(node.id, performance.now());
    const joinedAt = node.metadata?.joinedAt;
    if (this.joinedAt.get(node.id) !== joinedAt)
      this.broker.transit!.removePendingRequestByNodeID(node.id);
    this.joinedAt.set(node.id, joinedAt);
  }
}
