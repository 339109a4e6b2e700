import type { ActionName, Actions } from "../contracts/actions.ts";
import type { ParamsOf } from "../contracts/schema.ts";

interface Message<Doc, A extends ActionName> {
  action: A;
  /** The action's params. They carry an id of their own, because a message may be delivered twice. */
  message(document: Doc): ParamsOf<Actions[A]>;
  /** Delivers up to 100 messages in one call. It answers when all of them are accepted. */
  batch?: Batch<A>;
  /** When what the message reports happened (ISO 8601): tells how late one is that is tried again and again. */
  since?(document: Doc): string | undefined;
  /** Asked when the message falls due, with the sending service: true cancels it. */
  isCancelled?(document: Doc, sender: object): boolean | Promise<boolean>;
}

type Batch<A extends ActionName> = {
  [B in ActionName]: {
    action: B;
    params(messages: ParamsOf<Actions[A]>[]): ParamsOf<Actions[B]>;
  };
}[ActionName];

/** One kind of message that documents send: the action that receives it, and how the message is made. */
export type Kind<Doc> = { [A in ActionName]: Message<Doc, A> }[ActionName];
