import type { ActionSchema, CallingOptions, Context, EventSchema, ServiceBroker, ServiceSchema } from "moleculer";
import type { Static } from "typebox";
import { actions, events, type ActionName, type Actions, type EventName, type Events } from "../contracts/actions.ts";
import { routes } from "../contracts/http.ts";
import type { ParamsOf, ResultOf } from "../contracts/schema.ts";
import { Caller } from "../contracts/users.ts";
import { badData, refusal } from "./errors.ts";
import { checker } from "./validator.ts";

/** What travels with a call, set by api and the sockets alone. */
export interface Meta {
  user?: Caller;
  /** Where the request came from; missing when it began inside the cluster. */
  ip?: string;
}

/** A Moleculer context that knows our vocabulary: an unknown name or a wrong payload does not compile. */
export interface Ctx<Params> extends Omit<Context<Params & object, Meta>, "call" | "broadcast"> {
  call<A extends ActionName>(name: A, params: ParamsOf<Actions[A]>, opts?: CallingOptions): Promise<ResultOf<Actions[A]>>;
  broadcast<E extends EventName>(name: E, payload: Static<Events[E]>, opts?: { groups?: string[] }): Promise<void>;
}

type Local<Service extends string> = { [A in ActionName as A extends `${Service}.${infer Name}` ? Name : never]: A };

/** The actions of one service: all that its contract names, and no others. */
export type Handlers<Name extends string, Self> = {
  [L in keyof Local<Name>]: (
    this: Self,
    ctx: Ctx<ParamsOf<Actions[Local<Name>[L] & ActionName]>>,
  ) => Promise<ResultOf<Actions[Local<Name>[L] & ActionName]>>;
};

const published = new Set<string>(routes.map((route) => route.action));

/** Moleculer's actions block for a service: handlers from the service, params from the contract. What has no route is not for api to call. */
export function provide<Name extends string, Self>(name: Name, handlers: Handlers<Name, Self>): Record<string, ActionSchema> {
  return Object.fromEntries(
    Object.entries(handlers).map(([local, handler]) => {
      const full = `${name}.${local}` as ActionName;
      return [
        local,
        { visibility: published.has(full) ? "published" : "public", params: actions[full].params, handler } as unknown as ActionSchema,
      ];
    }),
  );
}

type Listeners<Self> = { [E in EventName]?: (this: Self, ctx: Ctx<Static<Events[E]>>) => Promise<void> | void };

/** Moleculer's events block: each payload is checked against its contract. */
export function listen<Self>(listeners: Listeners<Self>): Record<string, EventSchema> {
  return Object.fromEntries(
    Object.entries(listeners).map(([name, handler]) => [name, { params: events[name as EventName], handler } as unknown as EventSchema]),
  );
}

/** A service's or mixin's schema whose methods and lifecycle know what `Self` has; the one cast from Moleculer's untyped `this` is here. */
export function schema<Self>(parts: Parts<Self>): ServiceSchema {
  return parts as unknown as ServiceSchema;
}

interface Parts<Self> extends Omit<Partial<ServiceSchema>, "settings" | "methods" | "created" | "started" | "stopped" | "events"> {
  settings?: object;
  events?: Record<string, EventSchema>;
  methods?: Record<string, (this: Self, ...args: never[]) => unknown>;
  created?(this: Self): void;
  started?(this: Self): Promise<void> | void;
  stopped?(this: Self): Promise<void> | void;
}

const checkCaller = checker(Caller);

/** Who calls; UNAUTHENTICATED when nobody does. An operator's REPL may say anything: BAD_DATA for what cannot be a user. */
export function signedIn(ctx: Ctx<unknown>): Caller {
  const { user } = ctx.meta;
  if (!user) throw refusal("UNAUTHENTICATED");
  const problems = checkCaller(user);
  if (problems.length > 0) throw badData(problems.map(({ field, message }) => ({ field: `meta.user.${field}`, message })));
  return user;
}

/** Calls that nobody's context belongs to, with our vocabulary. */
export const callsOf = (broker: ServiceBroker) => broker.call.bind(broker) as unknown as Ctx<unknown>["call"];
