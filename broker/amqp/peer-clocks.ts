/**
 * What this node knows of other nodes' clocks, from the times in their messages. The age of a message is measured by
 * monotonic clocks only: a message's delay is compared with that of the fastest one of the last 20 s from the same
 * process. Wall clocks may jump; a difference above 2 s is logged once.
 */
import type { ServiceBroker } from "moleculer";

/** Time after which the fastest message is taken anew (ms); the one of the window before still counts. */
const WINDOW = 10_000;
/** Clocks drift apart by far less than a millisecond per second. */
const DRIFT = 1 / 1000;
/** Clocks count whole milliseconds, and the fastest message was a little slower than this node's own ones (ms). */
const ERROR = 5;
/** Differences between wall clocks that are logged, and below which they are forgotten (ms). */
const SKEW = { logged: 2000, forgotten: 1000 };

interface Fastest {
  delay: number;
  since: number;
}

interface Peer {
  current: Fastest;
  former: Fastest;
}

export interface ClockEvent {
  nodeID: string;
  /** How far the node's wall clock is ahead of this node's (ms). */
  offset: number;
}

export class PeerClocks {
  readonly #broker: ServiceBroker;
  readonly #latency: () => number;
  /** By instance id: a process has one monotonic clock. */
  readonly #peers = new Map<string, Peer>();
  readonly #offsets = new Map<string, number>();
  readonly #skewed = new Set<string>();

  /** `latency` returns the time of a message from this node to itself (ms). Skews are emitted as `$node.clock`. */
  constructor(broker: ServiceBroker, latency: () => number) {
    [this.#broker, this.#latency] = [broker, latency];
    broker.localBus.on(
      "$node.disconnected",
      ({ node }: { node: { id: string; instanceID: string } }) => {
        this.#peers.delete(node.instanceID);
        this.#offsets.delete(node.id);
        this.#skewed.delete(node.id);
      },
    );
  }

  /** The largest possible age (ms) of a message that was sent at `sentAt` by its process's monotonic clock. */
  ageOf(instanceID: string, sentAt: number): number {
    return this.#delayOf(instanceID, sentAt) + this.#latency() + ERROR;
  }

  /** The offset of each measured node's wall clock (ms); positive when it is ahead. */
  offsets(): Record<string, number> {
    return Object.fromEntries(this.#offsets);
  }

  /** Takes the two clocks of a message from the node. */
  measure(nodeID: string, instanceID: string, sentAt: number, wallClock: number): void {
    const age = this.ageOf(instanceID, sentAt);
    const offset = Math.round(wallClock + age - Date.now());
    this.#offsets.set(nodeID, offset);
    const isSkewed = this.#skewed.has(nodeID);
    if (!isSkewed && Math.abs(offset) > SKEW.logged) {
      this.#skewed.add(nodeID);
      const seconds = (Math.abs(offset) / 1000).toFixed(1);
      const direction = offset > 0 ? "ahead of" : "behind";
      this.#broker.logger.warn(
        `The clock of node ${nodeID} is ${seconds} s ${direction} this node's.`,
      );
    } else if (isSkewed && Math.abs(offset) < SKEW.forgotten) {
      this.#skewed.delete(nodeID);
      this.#broker.logger.info(`The clock of node ${nodeID} agrees with this node's again.`);
    } else return;
    this.#broker.broadcastLocal("$node.clock", { nodeID, offset } satisfies ClockEvent);
  }

  /** How much later (ms) the message arrived than the fastest one would have. */
  #delayOf(instanceID: string, sentAt: number): number {
    const now = performance.now();
    const delay = now - sentAt;
    const peer = this.#peers.get(instanceID);
    if (!peer) {
      const own = { delay, since: now };
      this.#peers.set(instanceID, { current: own, former: own });
      return 0;
    }
    if (now - peer.current.since > WINDOW) {
      peer.former = peer.current;
      peer.current = { delay, since: now };
    } else peer.current.delay = Math.min(peer.current.delay, delay);
    const { current, former } = peer;
    return Math.max(
      0,
      delay - Math.min(current.delay, former.delay + (now - former.since) * DRIFT),
    );
  }
}
