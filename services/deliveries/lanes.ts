import { pauseAfter, type DeliveryDocument } from "../../domain/delivery.ts";

/** The deliveries of one server: those that this node holds leases of, and how the server has answered. */
export interface Lane {
  readonly name: string;
  readonly waiting: Claimed[];
  inFlight: number;
  /** Consecutive failures of the server. */
  failures: number;
  /** Nothing is sent before (ms since 1970). */
  pausedUntil: number;
  /** More of it is due in the store than was claimed. */
  hasMore: boolean;
  /** The next request after a failure has the message that is due, not the oldest that waits: that one may be the fault. */
  skipsOldest: boolean;
}

/** A delivery with its lease. */
export interface Claimed {
  document: DeliveryDocument;
  claim: string;
  /** It is not started later (by performance.now()), so that it ends within the lease. */
  startBy: number;
  /**
   * The server is down, and this other delivery is due: the oldest one that waits is sent in its place, so that the order is kept if the
   * server is back. A failure counts as an attempt of the one that was due.
   */
  inPlaceOf?: { document: DeliveryDocument; claim: string };
}

/** The lanes of this node that have something to send or have failed. Others are forgotten. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  of(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known) return known;
    const lane: Lane = {
      ...{ name, waiting: [], inFlight: 0, failures: 0, pausedUntil: 0 },
      ...{ hasMore: false, skipsOldest: false },
    };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Lanes from which nothing more is claimed now: they have enough, or pause. Of those that pause, the first ones. */
  busy(now: number): string[] {
    const all = [...this.#lanes.values()];
    const pausing = all.filter((lane) => !isBusy(lane) && lane.pausedUntil > now);
    return [...all.filter(isBusy), ...pausing.slice(0, maxExcluded)].map(({ name }) => name);
  }

  /** The server accepted something. Returns whether it was down. */
  succeeded(lane: Lane): boolean {
    const wasDown = lane.pausedUntil > 0;
    [lane.failures, lane.pausedUntil] = [0, 0];
    return wasDown;
  }

  failed(lane: Lane, now: number): void {
    lane.failures++;
    const pause = pauseAfter(lane.failures);
    if (pause > 0) lane.pausedUntil = now + pause;
  }

  /** Forgets a lane without work. Failures are remembered, for a bounded number of lanes. */
  release(lane: Lane): void {
    if (isBusy(lane)) return;
    if (lane.failures === 0 || this.#lanes.size > maxLanes) this.#lanes.delete(lane.name);
  }

  get isIdle(): boolean {
    return ![...this.#lanes.values()].some(isBusy);
  }
}

const maxLanes = 10_000;
/** What is due in a lane that pauses was accepted by another node: it is held when it is claimed. */
const maxExcluded = 500;
export const isBusy = ({ inFlight, waiting }: Lane) => inFlight + waiting.length > 0;
