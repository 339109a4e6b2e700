/**
 * Whether the RabbitMQ node of a session still belongs to a majority of its cluster. One that was separated from the
 * others keeps its connections and delivers among them, so probes arrive; but it cannot change the metadata. So a node
 * adds a binding or removes it, in turn, and moves to another host when that does not end.
 */
import type { Channel } from "amqplib";
import type { Session } from "./session.ts";
import type { Topology } from "./topology.ts";

/** Time between two changes (ms). */
const INTERVAL = 4000;
/** Time between two looks at the change that is under way (ms). */
const LOOK = 500;
/** RabbitMQ nodes need up to 10 s to elect another leader when theirs is frozen (ms). */
const LIMIT = 11_000;

export class Majority {
  readonly #topology: Topology;
  #timer: NodeJS.Timeout | undefined;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Checks the session until it is lost, or until the next start. */
  async start(session: Session): Promise<void> {
    this.stop();
    const channel = await session.connection.createChannel();
    channel.on("error", () => null); // probes notice what is missing
    let isBound = false;
    let isChanging = false;
    let began = performance.now();
    const change = async () => {
      [isChanging, isBound, began] = [true, !isBound, performance.now()];
      await this.#change(channel, session.queues.packets, isBound);
      isChanging = false;
    };
    const timer = (this.#timer = setInterval(() => {
      const time = performance.now() - began;
      if (session.isLost) clearInterval(timer);
      else if (isChanging && time > LIMIT)
        session.drop("its RabbitMQ node is separated from the majority of its cluster");
      else if (!isChanging && time > INTERVAL) void change().catch(() => clearInterval(timer));
    }, LOOK));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Nothing is sent with this routing key. */
  async #change(channel: Channel, inbox: string, isBound: boolean): Promise<void> {
    const exchange = this.#topology.exchange("packets");
    if (isBound) await channel.bindExchange(inbox, exchange, inbox);
    else await channel.unbindExchange(inbox, exchange, inbox);
  }
}
