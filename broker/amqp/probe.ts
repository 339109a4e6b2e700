/**
 * Messages of a node to itself through RabbitMQ, by each way that its messages take. They show what a connection
 * that stays up does not: deleted exchanges, bindings and queues, revoked permissions, policies that drop messages, and
 * a RabbitMQ that is frozen. Every 1.25 s one probe is sent, to `requests`, `packets` or `broadcasts`. With
 * the first of them, the messages that wait are checked (waiting-messages.ts): a policy or a purge only drops what waits.
 *
 * The probes of a round use a channel of their own, because RabbitMQ caches permissions per channel.
 */
import type { Channel, ConsumeMessage, Message } from "amqplib";
import type { ServiceBroker } from "moleculer";
import { reasonOf } from "./connection.ts";
import type { Session } from "./session.ts";
import { paths, type Path, type Topology } from "./topology.ts";
import { WaitingMessages } from "./waiting-messages.ts";

/** The type of a probe's message. */
export const PROBE = "PROBE";
/** Time between two probes (ms). */
const INTERVAL = 1250;
/** Time between two looks at the silence (ms). */
const LOOK = 250;
/**
 * A probe without a trace for this long means that the node is not ready, and after `lost` that its way is broken; `move`
 * is the same where there is another host to move to (ms).
 */
const OVERDUE = { suspect: 1500, move: 2500, lost: 4000 };
/** Measurements of the latency that are kept. */
const KEPT = 8;

export class Probe {
  readonly #topology: Topology;
  readonly #waiting: WaitingMessages;
  #session: Session | undefined;
  #channel: Channel | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #limit: number;
  #tickedAt = 0;
  #step = 0;
  /** When the present step began; undefined between steps. */
  #stepBegan: number | undefined;
  #round = 0;
  /** When the unanswered probe of each way was sent (monotonic clock), and the latest times of travel (ms). */
  readonly #sent = new Map<Path, number>();
  #latencies: number[] = [];
  #onComplete: (() => void) | undefined;

  constructor(topology: Topology, logger: ServiceBroker["logger"], hasOtherHost = false) {
    this.#topology = topology;
    this.#waiting = new WaitingMessages(topology, logger, PROBE);
    this.#limit = hasOtherHost ? OVERDUE.move : OVERDUE.lost;
  }

  /** The least time of the latest probes between sending and arrival (ms). */
  get latency(): number {
    return this.#latencies.length > 0 ? Math.min(...this.#latencies) : 0;
  }

  /** Whether messages to this node are lost or late. */
  get isOverdue(): boolean {
    return this.#waiting.isFaulty || this.#silence() > OVERDUE.suspect + 4 * this.latency;
  }

  /** How long the oldest probe, or the step that sends one, has been under way (ms). */
  #silence(): number {
    const begun = [...this.#sent.values(), this.#stepBegan ?? Infinity];
    return Math.max(0, performance.now() - Math.min(...begun));
  }

  /** Starts, and resolves when a probe has arrived by each way. */
  async start(session: Session): Promise<void> {
    this.stop();
    this.#session = session;
    this.#round++;
    const complete = new Promise<void>((resolve) => (this.#onComplete = resolve));
    const alarm = new Promise<never>((_resolve, reject) =>
      session.connection.once("blocked", (reason) => reject(alarmError(reason as string))),
    );
    alarm.catch(() => null); // it may begin later, when the race is over
    this.#waiting.start(session.queues.waiting);
    for (const path of paths) await this.#send(session, path);
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#look(session), LOOK);
    await Promise.race([complete, alarm]);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#channel?.close().catch(() => null);
    this.#session = this.#channel = this.#onComplete = undefined;
    this.#sent.clear();
    this.#stepBegan = undefined;
    this.#step = 0;
  }

  onArrived({ properties: { messageId } }: ConsumeMessage): void {
    const [path, round] = (messageId as string).split(" ") as [Path, string];
    const sentAt = this.#sent.get(path);
    if (Number(round) !== this.#round || sentAt === undefined) return;
    this.#sent.delete(path);
    this.#latencies = [...this.#latencies.slice(1 - KEPT), performance.now() - sentAt];
    if (this.#sent.size === 0) this.#onComplete?.();
  }

  #look(session: Session): void {
    if (session.isLost) return;
    // Behind as many requests as a node handles at once, a probe waits for them.
    if (session.isFull) this.#sent.delete("requests");
    if (this.#silence() > this.#limit + 4 * this.latency)
      return session.drop(this.#reasonOfSilence());
    const now = performance.now();
    if (now - this.#tickedAt < INTERVAL - LOOK / 2) return;
    this.#tickedAt = now;
    if (this.#stepBegan === undefined) void this.#tick(session);
  }

  async #tick(session: Session): Promise<void> {
    const path = paths[this.#step++ % paths.length]!;
    this.#stepBegan = performance.now();
    try {
      await this.#send(session, path);
    } catch {
      // The channel's error has dropped the session.
    } finally {
      if (this.#session === session) this.#stepBegan = undefined;
    }
  }

  #reasonOfSilence(): string {
    const [path = "requests"] = this.#sent.keys();
    return this.#sent.size > 1
      ? "it does not deliver this node's messages to itself"
      : `a message of this node to itself by the exchange ${this.#topology.exchange(path)} did not arrive`;
  }

  /** Sends a probe. Re-declares the exchange first, which RabbitMQ checks against the user's permissions. */
  async #send(session: Session, path: Path): Promise<void> {
    if (this.#sent.has(path)) return;
    this.#sent.set(path, performance.now());
    if (path === "requests") await this.#renewChannel(session);
    const channel = this.#channel!;
    await this.#topology.declareExchange(channel, path);
    if (this.#session !== session || !this.#sent.has(path)) return;
    this.#sent.set(path, performance.now());
    const messageId = `${path} ${this.#round}`;
    this.#topology.toNode(channel, path, this.#topology.nodeID, Buffer.alloc(0), {
      type: PROBE,
      messageId,
    });
  }

  async #renewChannel(session: Session): Promise<void> {
    const former = this.#channel;
    if (former) {
      // After a fault it asks again in the next step: that of a purge is over then.
      if (!(await this.#waiting.check(former, session.queues.waiting))) this.#step = 0;
      this.#channel = undefined;
      former.close().catch(() => null);
    }
    const channel = await session.connection.createChannel();
    const isCurrent = () => this.#channel === channel && this.#session === session;
    channel.on("error", (error: Error) => {
      const isExpired = reasonOf(error).includes(session.queues.waiting);
      if (isCurrent() && !isExpired) session.drop(reasonOf(error));
    });
    channel.on("return", ({ fields }: Message) => {
      if (isCurrent() && fields.routingKey !== session.queues.waiting)
        session.drop(
          `the exchange ${fields.exchange} does not lead to this node: its binding or its queue was deleted`,
        );
    });
    this.#channel = channel;
    await this.#waiting.leave(session, channel);
  }
}

const alarmError = (reason: string) =>
  new Error(`RabbitMQ has an alarm (${reason}) and accepts no messages.`);
