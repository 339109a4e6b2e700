import { codeOf } from "../../broker/refusal.ts";
import { noticeOf, type DeliveryDocument } from "../../domain/delivery.ts";
import { quietUntil } from "../../domain/quiet-hours.ts";
import type { Channel, Context, Message, Outcome, Target } from "./channel.ts";
import type { Recipient, Recipients } from "./recipient.ts";

/** A delivery that was accepted so shortly before is sent without another look (ms). */
const freshMs = 1_000;
/** Quiet hours are looked at again this often (ms): the user may change them, and clocks are set. */
const maxQuietMs = 3_600_000;

/** How an attempt ended, with what only the worker knows. */
export type Result =
  Outcome | { state: "dropped"; reason: string } | { state: "quiet"; until: Date };

interface Means {
  channel: Channel;
  recipients: Recipients;
  context: Omit<Context, "recipient">;
}

/** What one attempt has found out: the target is needed when it is given up. */
export interface Attempted {
  result: Result;
  target?: Target;
  context?: Context;
}

/** Checks whether a delivery is still needed, and sends it. Never rejects. */
export async function attempt(
  document: DeliveryDocument,
  means: Means,
  known?: Recipient,
): Promise<Attempted> {
  try {
    return await tried(document, means, known);
  } catch (error) {
    const code = codeOf(error);
    const isAttempt = code !== "UNAVAILABLE" && code !== "TIMEOUT";
    if (isAttempt)
      means.context.logger.error(`Delivery ${document._id} failed: ${(error as Error).message}`);
    return { result: { state: "retry", reason: "It could not be sent.", isAttempt } };
  }
}

const withoutPreferences: Recipient = {
  ...{ language: "en", quietHours: null, mail: false },
  ...{ push: [], webhooks: [] },
};

async function tried(
  document: DeliveryDocument,
  { channel, recipients, context }: Means,
  known?: Recipient,
): Promise<Attempted> {
  const { userId, account } = document;
  // Mails about the account depend on no preferences, and need no service that knows them.
  const recipient = known ?? (account ? withoutPreferences : await recipients.of(userId));
  const target = account
    ? channel.accountTarget
    : channel.targetsOf(recipient).find(({ id }) => id === document.targetId);
  if (!channel.isOn || !target)
    return { result: { state: "dropped", reason: "The target was removed or switched off." } };
  const full = { ...context, recipient };
  const hindrance = await hindranceOf(document, channel, recipients, full);
  const result = hindrance ?? (await channel.send(messageOf(document), target, full));
  return { result, target, context: full };
}

/** Why a notice for a person is not sent now. */
async function hindranceOf(
  { userId, noticeId, account, createdAt }: DeliveryDocument,
  channel: Channel,
  recipients: Recipients,
  { recipient, now }: Context,
): Promise<Result | undefined> {
  if (account || !channel.isForPeople) return undefined;
  const at = now();
  const until = recipient.quietHours && quietUntil(recipient.quietHours, at);
  if (until)
    return {
      state: "quiet",
      until: new Date(Math.min(until.getTime(), at.getTime() + maxQuietMs)),
    };
  const isFresh = Math.abs(at.getTime() - Date.parse(createdAt)) < freshMs;
  if (!isFresh && (await recipients.isShown(userId, noticeId)))
    return { state: "dropped", reason: "The notice was shown." };
  return undefined;
}

function messageOf(document: DeliveryDocument): Message {
  const { _id: key, userId, attempts, account, noticeId: id } = document;
  const content = account ? { account, id } : { notice: noticeOf(document)! };
  return { key, userId, attempts, content };
}
