/**
 * The first message of a channel to a queue on another RabbitMQ node. Before it, RabbitMQ's channel asks that node how
 * many processes take messages there (`delegate_sup:count`) and waits for the answer without a limit; afterwards it
 * never asks again. If the first message went to a frozen node, the channel would hang for a minute, whoever its next
 * messages are for. So a new session sends its first message to a queue on a RabbitMQ node that has just answered.
 */
import { closeConnection, openConnection } from "./connection.ts";
import type { Session } from "./session.ts";
import { declareQueue, type Topology } from "./topology.ts";

/** `urls` are the other hosts. Resolves also when none of them answers; then RabbitMQ has one node, or one is left. */
export async function warmUp(session: Session, topology: Topology, urls: string[]): Promise<void> {
  const isWarm = Promise.any(urls.map((url) => sendThrough(url, session, topology)));
  await isWarm.catch(() => null);
}

async function sendThrough(url: string, session: Session, topology: Topology): Promise<void> {
  const connection = await openConnection(url);
  try {
    const channel = await connection.createChannel();
    channel.on("error", () => null); // the call that failed rejects
    const { waiting: queue } = topology.newQueues();
    await declareQueue(channel, queue);
    await channel.bindQueue(queue, topology.exchange("packets"), queue);
    if (session.isLost) return;
    topology.toNode(session.channel, "packets", queue, Buffer.alloc(0), {});
    // RabbitMQ answers after it has sent the message.
    await session.channel.checkExchange(topology.exchange("packets"));
  } finally {
    closeConnection(connection);
  }
}
