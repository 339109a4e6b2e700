/** Makes a new connection to RabbitMQ usable for this node, within bounded time. */
import type { Hosts } from "./hosts.ts";
import { Majority } from "./majority.ts";
import type { Probe } from "./probe.ts";
import type { Receiver, Session } from "./session.ts";
import type { Queues, Topology } from "./topology.ts";
import { warmUp } from "./warm-up.ts";
import { withTimeout } from "./with-timeout.ts";

/** A connection is given up when its queues, or its probes, are not ready after this time and this many round trips (ms). */
const LIMIT = { time: 5000, roundTrips: 15 };
/**
 * While RabbitMQ nodes elect a leader, a declaration that they received before waits for half a minute. So the first
 * attempts with several hosts get less time for them (ms).
 */
const QUICK = { time: 1000, attempts: 10 };

export class SetUp {
  readonly #topology: Topology;
  readonly #hosts: Hosts;
  readonly #probe: Probe;
  readonly #majority: Majority;
  /** The queues of former connections, which RabbitMQ may still have. */
  #former: Queues[] = [];

  constructor(topology: Topology, hosts: Hosts, probe: Probe) {
    [this.#topology, this.#hosts, this.#probe] = [topology, hosts, probe];
    this.#majority = new Majority(topology);
  }

  /**
   * Declares and consumes the queues, and resolves when messages of this node to itself have arrived by each way.
   * Rejects with one sentence. `failures` is the number of attempts since the last connection.
   */
  async run(session: Session, receiver: Receiver, failures: number): Promise<void> {
    const who = `RabbitMQ at ${session.host}`;
    const forTrips = LIMIT.roundTrips * session.roundTrip;
    const isQuick = this.#hosts.count > 1 && failures < QUICK.attempts;
    const former = [...this.#former];
    this.#former.push(session.queues);
    const declared = session.subscribe(receiver, former);
    await withTimeout(forTrips + (isQuick ? QUICK : LIMIT).time, who, declared);
    this.#former = [session.queues];
    await warmUp(session, this.#topology, this.#hosts.others(session.url));
    await withTimeout(forTrips + LIMIT.time, who, this.#probe.start(session));
    if (this.#hosts.count > 1) await this.#majority.start(session);
  }
}
