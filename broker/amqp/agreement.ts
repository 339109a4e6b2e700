/**
 * Agreement of all nodes on who is there, with which services. Heartbeats carry a digest of the sender's membership.
 * Digests that differ for longer than messages travel mean that a message was lost (a purged queue, a separated
 * cluster of brokers): both sides notice, and ask all nodes again.
 */
import type { ServiceBroker } from "moleculer";
import { digestOf, type Member } from "./ring.ts";

/** Digests differ for this long while the news is under way (ms). */
const NEWS = 2000;
/** The pause after a repair (ms), which doubles from the first value up to the second while digests differ. */
const PAUSE = { first: 5000, longest: 60_000 };

export class Agreement {
  readonly #broker: ServiceBroker;
  readonly #repair: () => void;
  #differsSince: number | undefined;
  #repairAt = 0;
  #pause = PAUSE.first;

  /** `repair` asks all nodes for their services, and announces this node's. */
  constructor(broker: ServiceBroker, repair: () => void) {
    [this.#broker, this.#repair] = [broker, repair];
  }

  /** Of this node's membership. A node's digest includes itself as others know it. */
  digest(): string {
    const nodes = this.#broker.registry.nodes.toArray().filter((node) => node.available);
    const members = nodes.map(({ id, instanceID, seq, metadata }): Member => {
      const { joinedAt } = (metadata ?? {}) as { joinedAt?: number };
      return { id, instanceID, seq, joinedAt };
    });
    return digestOf(members);
  }

  /** Takes the digest of another node. */
  compare(digest: string, latency: number): void {
    const now = performance.now();
    if (digest === this.digest()) {
      this.#differsSince = undefined;
      this.#pause = PAUSE.first;
      return;
    }
    this.#differsSince ??= now;
    if (now - this.#differsSince < NEWS + 2 * latency || now < this.#repairAt) return;
    this.#repairAt = now + this.#pause;
    this.#pause = Math.min(2 * this.#pause, PAUSE.longest);
    this.#repair();
  }
}
