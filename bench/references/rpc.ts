/** Calls over RabbitMQ as they are written by hand, for the references: no Nagle, one write an event-loop turn, a hundred in hand. */
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect, type Channel, type ConsumeMessage } from "amqplib";

/** How long a caller waits (ms). */
const patience = 5_000;

export async function openChannel(url: string): Promise<Channel> {
  const connection = await connect(url, { noDelay: true });
  const { stream } = connection.connection as unknown as { stream: Duplex };
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]) => {
    if (stream.writableCorked === 0) {
      stream.cork();
      setImmediate(() => stream.uncork());
    }
    return write(...args);
  };
  return connection.createChannel();
}

/** The answer to a call whose handler threw: its caller's call rejects. */
const failed = { isFailed: true };

/** Answers what comes to a queue; acknowledges once it is done. */
export async function serve(
  channel: Channel,
  queue: string,
  handle: (params: never) => Promise<object>,
): Promise<void> {
  await channel.prefetch(100);
  await channel.assertQueue(queue, { exclusive: true });
  await channel.consume(queue, async (message: ConsumeMessage | null) => {
    if (!message) return;
    const { replyTo, correlationId } = message.properties as {
      replyTo: string;
      correlationId: string;
    };
    const answer = await handle(JSON.parse(message.content.toString()) as never).catch(
      () => failed,
    );
    channel.sendToQueue(replyTo, Buffer.from(JSON.stringify(answer)), { correlationId });
    channel.ack(message);
  });
}

export type Call = <Result>(queue: string, params: object) => Promise<Result>;

interface Waiting {
  resolve(answer: never): void;
  reject(why: Error): void;
  until: number;
}

export async function caller(channel: Channel): Promise<Call> {
  const waiting = new Map<string, Waiting>();
  const { queue: replyTo } = await channel.assertQueue(`answers-${randomUUID()}`, {
    exclusive: true,
  });
  await channel.consume(
    replyTo,
    (message) => {
      const id = message?.properties.correlationId as string;
      const answer = JSON.parse(message!.content.toString()) as typeof failed;
      if (answer.isFailed) waiting.get(id)?.reject(new Error(`${id} failed`));
      else waiting.get(id)?.resolve(answer as never);
      waiting.delete(id);
    },
    { noAck: true },
  );
  setInterval(() => {
    for (const [id, { reject, until }] of waiting)
      if (until < performance.now() && waiting.delete(id)) reject(new Error("no answer"));
  }, 500).unref();

  let calls = 0;
  return (queue, params) =>
    new Promise((resolve, reject) => {
      const correlationId = String(++calls);
      waiting.set(correlationId, { resolve, reject, until: performance.now() + patience });
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(params)), {
        correlationId,
        replyTo,
        expiration: patience,
      });
    });
}
