import type { ActionSchema, EventSchema, ServiceSchema } from "moleculer";
import type { Static } from "typebox";
import {
  actions,
  events,
  type ActionName,
  type Actions,
  type EventName,
  type Events,
} from "../contracts/actions.ts";
import { routes } from "../contracts/routes.ts";
import type { ParamsOf, ResultOf } from "../contracts/schema.ts";
import { Caller } from "../contracts/users.ts";
import { badData, refusal } from "./refusal.ts";
import { checker } from "./validator.ts";

import type { Ctx } from "./context.ts";
export { typedCall, type Ctx, type Meta } from "./context.ts";

type Local<Service extends string> = {
  [A in ActionName as A extends `${Service}.${infer Name}` ? Name : never]: A;
};

/** The actions of one service: all that its contract names, and no others. */
export type Handlers<Name extends string, Self> = {
  [L in keyof Local<Name>]: (
    this: Self,
    ctx: Ctx<ParamsOf<Actions[Local<Name>[L] & ActionName]>>,
  ) => Promise<ResultOf<Actions[Local<Name>[L] & ActionName]>>;
};

const published = new Set<string>(routes.map((route) => route.action));

/** Moleculer's actions block for a service: handlers from the service, params from the contract. What has no route is not for api to call. */
export function provide<Name extends string, Self>(
  name: Name,
  handlers: Handlers<Name, Self>,
): Record<string, ActionSchema> {
  return Object.fromEntries(
    Object.entries(handlers).map(([local, handler]) => {
      const full = `${name}.${local}` as ActionName;
      return [
        local,
        {
          visibility: published.has(full) ? "published" : "public",
          params: actions[full].params,
          handler,
        } as unknown as ActionSchema,
      ];
    }),
  );
}

type Listeners<Self> = {
  [E in EventName]?: (this: Self, ctx: Ctx<Static<Events[E]>>) => Promise<void> | void;
};

/** Moleculer's events block: each payload is checked against its contract. */
export function listen<Self>(listeners: Listeners<Self>): Record<string, EventSchema> {
  return Object.fromEntries(
    Object.entries(listeners).map(([name, handler]) => [
      name,
      { params: events[name as EventName], handler } as unknown as EventSchema,
    ]),
  );
}

/** A service's or mixin's schema whose methods and lifecycle know what `Self` has; the one cast from Moleculer's untyped `this` is here. */
export function schema<Self>(parts: Parts<Self>): ServiceSchema {
  return parts as unknown as ServiceSchema;
}

interface Parts<Self> extends Omit<
  Partial<ServiceSchema>,
  "settings" | "methods" | "created" | "started" | "stopped" | "events"
> {
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
  if (problems.length > 0)
    throw badData(problems.map(({ field, message }) => ({ field: `meta.user.${field}`, message })));
  return user;
}
