import type { CallingOptions, Context, ServiceBroker } from "moleculer";
import type { Static } from "typebox";
import type { ActionName, Actions, EventName, Events } from "../contracts/actions.ts";
import type { ParamsOf, ResultOf } from "../contracts/schema.ts";
import { Caller } from "../contracts/users.ts";
import { badData, refusal } from "./refusal.ts";
import { checker } from "./validator.ts";

/** Metadata that travels with a call. Only api and the sockets set it. */
export interface Meta {
  user?: Caller;
  /** The client's IP address. Undefined when the call began inside the cluster. */
  ip?: string;
}

/** The metadata of an action that only signed-in users may call. */
export interface UserMeta extends Meta {
  user: Caller;
}

/**
 * A Moleculer context that knows the contracts: an unknown action or event, or a wrong payload, does
 * not compile.
 */
export interface Ctx<Params, M extends Meta = Meta> extends Omit<
  Context<Params & object, M>,
  "call" | "broadcast"
> {
  call<A extends ActionName>(
    name: A,
    params: ParamsOf<Actions[A]>,
    opts?: CallingOptions,
  ): Promise<ResultOf<Actions[A]>>;
  broadcast<E extends EventName>(
    name: E,
    payload: Static<Events[E]>,
    opts?: { groups?: string[] },
  ): Promise<void>;
}

/** `broker.call` with the contracts' types, for calls that belong to no request. */
export const typedCall = (broker: ServiceBroker) =>
  // The cast: Moleculer's `call` takes any name and params. The contracts narrow them.
  broker.call.bind(broker) as unknown as Ctx<unknown>["call"];

const checkCaller = checker(Caller);

/**
 * A before-hook for actions of signed-in users. Throws UNAUTHENTICATED when `meta.user` is missing, and
 * BAD_DATA when it is not a user, which only an operator's REPL can cause.
 */
export function requireUser({ meta }: { meta: Meta }): void {
  if (!meta.user) throw refusal("UNAUTHENTICATED");
  const problems = checkCaller(meta.user);
  if (problems.length > 0)
    throw badData(problems.map(({ field, message }) => ({ field: `meta.user.${field}`, message })));
}
