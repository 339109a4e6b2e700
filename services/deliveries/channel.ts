import type { Service } from "moleculer";
import type { Ctx } from "../../broker/context.ts";
import type { Notification } from "../../contracts/notifications.ts";
import type { Outgoing } from "../../outgoing/post.ts";
import type { Recipient } from "./recipient.ts";

/** Where a channel sends: a device, a mail address, a webhook. */
export interface Target {
  /** Its id in the user's preferences. None if a user has one. */
  id?: string;
  /** What may hang together: the targets of one lane share a server. At most 320 characters. */
  lane: string;
}

/** What is sent. Repeated attempts have the same `key`. */
export interface Message {
  /** Unique and stable: the `_id` of the delivery. */
  key: string;
  userId: string;
  /** Failed attempts before this one. */
  attempts: number;
  /** The notice, or what the mail about the account is. */
  content: { notice: Notification } | { account: "verification"; id: string };
}

/** What a channel may use to send. */
export interface Context {
  recipient: Recipient;
  /** Sends requests to strangers' URLs. */
  outgoing: Outgoing;
  call: Ctx<unknown>["call"];
  logger: Service["logger"];
  now(): Date;
}

/** How an attempt ended. Reasons are short sentences without secrets: users see those of their webhooks. */
export type Outcome =
  | { state: "delivered" }
  /**
   * Tried again later, not before `afterMs`. `isDown`: the whole server is, which counts towards a pause of the lane. `isAttempt: false`: it
   * was not sent, because a service of Souk is unavailable.
   */
  | {
      state: "retry";
      reason: string;
      afterMs?: number;
      isDown?: boolean;
      /** The message may be the cause, not the server: others are tried, too. */
      mayBeMessage?: boolean;
      isAttempt?: boolean;
    }
  /** The target does not exist any more, and `giveUp` is called. */
  | { state: "gone"; reason: string }
  /** This message will never be accepted. */
  | { state: "refused"; reason: string };

/** One way to reach users. */
export interface Channel<T extends Target = Target> {
  /** Whether this market has configured it. Otherwise what it should send is dropped. */
  readonly isOn: boolean;
  /** Attempts at once in one lane. */
  readonly concurrency: number;
  /** Whether each target is a lane of its own: when it is given up, all that waits in the lane is. */
  readonly isLaneOfTarget?: boolean;
  /** Whether a notice that was shown, and quiet hours, stop it. */
  readonly isForPeople: boolean;
  /** What the user has registered and switched on. */
  targetsOf(recipient: Recipient): T[];
  /** One attempt, which ends within 12 s. It may throw: then it is tried again. */
  send(message: Message, target: T, context: Context): Promise<Outcome>;
  /** Called when a target is gone, or did not accept a message for as long as it is tried. May throw: then it is called again. */
  giveUp?(target: T, reason: string, userId: string, context: Context): Promise<void>;
  /** The target of mails about the account, whatever the user's preferences are. */
  readonly accountTarget?: T;
  /** Ends its connections. */
  close?(): void;
}
