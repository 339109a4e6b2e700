import { randomUUID } from "node:crypto";
import type { ParamsOf, ResultOf } from "../../contracts/schema.ts";
import type { Actions } from "../../contracts/actions.ts";
import type { Channel, Context, Message, Outcome, Target } from "./channel.ts";
import type { Parts } from "./parts.ts";

/** The caller waits for no more than this (ms). */
const timeoutMs = 4_000;

/** Sends a test notice to the targets of one channel, once, and says how that ended. */
export async function sendTest(
  { channels, recipients, context }: Omit<Parts, "store">,
  { channel: name, userId, webhookId }: ParamsOf<Actions["deliveries.test"]>,
): Promise<ResultOf<Actions["deliveries.test"]>> {
  const channel = channels[name];
  if (!channel.isOn) return { isSent: false, reason: "This channel is not configured." };
  const recipient = await recipients.of(userId);
  const targets = channel
    .targetsOf(recipient)
    .filter(({ id }) => webhookId === undefined || id === webhookId);
  if (targets.length === 0) return { isSent: false, reason: "There is nothing to send it to." };
  const full = { ...context, recipient };
  const message = testMessage(userId, name, context.now());
  const outcomes = await Promise.all(
    targets.map((target) => withinTime(sent(channel, message, target, full))),
  );
  const failed = outcomes.find(({ state }) => state !== "delivered") as
    { reason: string } | undefined;
  return failed ? { isSent: false, reason: failed.reason } : { isSent: true };
}

function testMessage(userId: string, name: string, now: Date): Message {
  const id = randomUUID();
  const notice = {
    ...{ id, type: "test", text: "This is a test of your notices.", data: {} },
    createdAt: now.toISOString(),
  };
  return { key: `test.${name}.${id}`, userId, attempts: 0, content: { notice } };
}

async function sent(channel: Channel, message: Message, target: Target, context: Context) {
  try {
    return await channel.send(message, target, context);
  } catch (error) {
    context.logger.warn(`A test notice could not be sent: ${(error as Error).message}`);
    return { state: "retry", reason: "It could not be sent." } satisfies Outcome;
  }
}

function withinTime(outcome: Promise<Outcome>): Promise<Outcome> {
  const late: Outcome = { state: "retry", reason: `There was no answer within ${timeoutMs} ms.` };
  let timer: NodeJS.Timeout;
  const timeout = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve(late), timeoutMs);
  });
  return Promise.race([outcome, timeout]).finally(() => clearTimeout(timer));
}
