/** Remote calls over RabbitMQ for the references, with TCP_NODELAY, one socket write per event-loop turn and a prefetch of 100. */
import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect, type Channel, type ConsumeMessage } from "amqplib";

/** Call timeout (ms). */
const timeoutMs = 5_000;

export async function openChannel(url: string): Promise<Channel> {
  const connection = await connect(url, { noDelay: true });
  // amqplib keeps its socket here and does not declare it.
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

/** The reply to a call whose handler threw. The call rejects. */
const failed = { isFailed: true };

/** Handles the calls of a queue. Acknowledges each after its reply. */
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
    const reply = await handle(JSON.parse(message.content.toString()) as never).catch(() => failed);
    channel.sendToQueue(replyTo, Buffer.from(JSON.stringify(reply)), { correlationId });
    channel.ack(message);
  });
}

export type Call = <Result>(queue: string, params: object) => Promise<Result>;

interface PendingCall {
  resolve(reply: never): void;
  reject(error: Error): void;
  /** On the clock of performance.now(). */
  deadline: number;
}

export async function caller(channel: Channel): Promise<Call> {
  const pending = new Map<string, PendingCall>();
  const { queue: replyTo } = await channel.assertQueue(`replies-${randomUUID()}`, {
    exclusive: true,
  });
  await channel.consume(
    replyTo,
    (message) => {
      const id = message?.properties.correlationId as string;
      const reply = JSON.parse(message!.content.toString()) as typeof failed;
      if (reply.isFailed) pending.get(id)?.reject(new Error(`The call ${id} failed.`));
      else pending.get(id)?.resolve(reply as never);
      pending.delete(id);
    },
    { noAck: true },
  );
  setInterval(() => {
    for (const [id, { reject, deadline }] of pending)
      if (deadline < performance.now() && pending.delete(id))
        reject(new Error("The call timed out."));
  }, 500).unref();

  let calls = 0;
  return (queue, params) =>
    new Promise((resolve, reject) => {
      const correlationId = String(++calls);
      pending.set(correlationId, { resolve, reject, deadline: performance.now() + timeoutMs });
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(params)), {
        correlationId,
        replyTo,
        expiration: timeoutMs,
      });
    });
}
