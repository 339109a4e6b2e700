/**
 * Service and mixin schemas whose `this` is inferred from methods, state and mixins. An editor follows
 * every `this.x()` to its implementation, and an unknown method, action or event does not compile.
 */
import type {
  ActionHooks,
  ActionSchema,
  Context,
  EventSchema,
  Service,
  ServiceSchema,
} from "moleculer";
import type { Static } from "typebox";
import {
  actions as contracts,
  events as eventContracts,
  type ActionName,
  type Actions,
  type EventName,
  type Events,
} from "../contracts/actions.ts";
import { routes } from "../contracts/routes.ts";
import type { ParamsOf, ResultOf } from "../contracts/schema.ts";
import { paramsDoc } from "./action-docs.ts";
import { nodeKey } from "./node-key.ts";
import { requireUser, type Ctx, type Meta, type UserMeta } from "./context.ts";

declare const adds: unique symbol;

/** A Moleculer mixin that adds `T` to `this`. The symbol exists for the compiler only. */
export interface Mixin<T> extends Partial<ServiceSchema> {
  readonly [adds]?: T;
}

/** Gives a library's untyped mixin the type of the members that it adds to `this`. */
export const mixinOf = <T>(mixin: unknown): Mixin<T> => mixin as Mixin<T>;

type Added<Mixins> = Mixins extends readonly [infer First, ...infer Rest]
  ? (First extends Mixin<infer T> ? T : unknown) & Added<Rest>
  : unknown;

/** Actions that only signed-in users may call, by the table of routes. */
type UserAction = Extract<(typeof routes)[number], { who: "user" }>["action"];

type Contract<Name extends string> = {
  [A in ActionName as A extends `${Name}.${infer Local}` ? Local : never]: A;
};

type Handler<A extends ActionName> = (
  ctx: Ctx<ParamsOf<Actions[A]>, A extends UserAction ? UserMeta : Meta>,
) => Promise<ResultOf<Actions[A]>>;

/** The handlers of one service: exactly the actions of its contract. */
export type Handlers<Name extends string> = {
  [Local in keyof Contract<Name>]: Handler<Contract<Name>[Local] & ActionName>;
};

/** Handlers of contract events, whose payload is checked, and of Moleculer's own local `$` events. */
export type Listeners = {
  [E in EventName]?: (ctx: Ctx<Static<Events[E]>>) => Promise<void> | void;
} & { [local: `$${string}`]: () => Promise<void> | void };

interface Parts<Name extends string, Mixins, State, Methods> {
  name?: Name;
  mixins?: Mixins;
  dependencies?: string[];
  settings?: object;
  metadata?: object;
  hooks?: ServiceSchema["hooks"];
  /** Initial values of the instance's own properties; runs at the start of `created`. */
  state?(this: Service & Added<Mixins>): State;
  methods?: Methods;
  events?: Listeners;
  created?(): void;
  started?(): Promise<void> | void;
  stopped?(): Promise<void> | void;
}

/** A private action without a contract, which a mixin puts in place of a library's. */
interface PrivateAction {
  visibility: "private";
  tracing?: object;
  handler(ctx: Context<never, Meta>): unknown;
}

/** A service must handle its contract. A mixin has none; it may switch off or replace a library's actions. */
type WithActions<Name extends string> = [keyof Contract<Name>] extends [never]
  ? { actions?: Record<string, false | PrivateAction> }
  : { actions: Handlers<Name> };

/**
 * Makes a service (with `name`) or a mixin (without).
 *
 * Write `state` and `methods` above `actions`, `events` and the lifecycle: the compiler infers `this` in
 * the order of the text, and does not know a method that stands below its caller's block.
 */
export function define<
  Name extends string = "",
  const Mixins extends readonly Mixin<unknown>[] = [],
  State = unknown,
  Methods = unknown,
>(
  parts: Parts<Name, Mixins, State, Methods> &
    WithActions<Name> &
    ThisType<Service & Added<Mixins> & State & Methods>,
): ServiceSchema & Mixin<Added<Mixins> & State & Methods> {
  const { state, created, actions, events, ...schema } = parts;
  checkMethodNames(schema);
  const result = {
    ...schema,
    ...(actions && { actions: toActions(schema.name ?? "", actions) }),
    ...(events && { events: toEvents(events) }),
    created(this: object) {
      // The cast: Moleculer binds `this` to the service, whose type the parts declare.
      Object.assign(this, state?.call(this as never));
      created?.call(this);
    },
  };
  defined.add(result);
  // The cast: the compiler cannot see that the parts are a schema: `this` differs in each of them.
  return result as unknown as ServiceSchema & Mixin<Added<Mixins> & State & Methods>;
}

interface WithMethods {
  mixins?: readonly unknown[];
  methods?: unknown;
}

/**
 * Moleculer merges methods by name, silently. Throws when two parts made with `define` have different methods
 * of one name. A library's method may be replaced: it comes from `mixinOf`, which is not checked.
 */
function checkMethodNames({ mixins = [], methods }: WithMethods): void {
  const found = new Map<string, unknown>();
  const own = { methods } as WithMethods;
  for (const part of [...mixins.filter((mixin) => isDefined(mixin)), own] as WithMethods[])
    for (const [name, method] of methodsOf(part)) {
      if ((found.get(name) ?? method) !== method)
        throw new Error(`Two mixins of a service define the method ${name}.`);
      found.set(name, method);
    }
}

/** The methods of a part and of its mixins made with `define`. */
function methodsOf({ mixins = [], methods }: WithMethods): [string, unknown][] {
  const inherited = mixins.filter((mixin) => isDefined(mixin)) as WithMethods[];
  return [...inherited.flatMap(methodsOf), ...Object.entries(methods ?? {})];
}

const defined = new WeakSet<object>();
const isDefined = (mixin: unknown) => defined.has(mixin as object);

const routeOf = new Map<string, (typeof routes)[number]>(
  routes.map((route) => [route.action, route]),
);

/** Moleculer's actions block. Actions without a route are not published, so api cannot call them. */
function toActions(
  service: string,
  handlers: Record<string, unknown>,
): Record<string, ActionSchema | false> {
  return Object.fromEntries(
    Object.entries(handlers).map(([local, handler]) => {
      if (typeof handler !== "function") return [local, handler as ActionSchema | false];
      const name = `${service}.${local}` as ActionName;
      const route = routeOf.get(name);
      const hooks: ActionHooks = route?.who === "user" ? { before: requireUser } : {};
      const visibility = route ? "published" : "public";
      const contract = contracts[name];
      const schema = contract.params;
      const action = {
        visibility,
        // Documentation for the REPL and other tools: the route, and the params by name.
        ...(route && { rest: `${route.method} ${route.path}` }),
        params: paramsDoc(schema),
        schema, // what the validator checks
        // Announced to the other nodes: this node opens sealed calls, with which key (broker/sealing.ts).
        ...("secret" in contract && { sealed: service === "users" || nodeKey().to }),
        hooks,
        handler,
      };
      // The cast: Moleculer's type does not know `schema`, and types the handler's context.
      return [local, action as unknown as ActionSchema];
    }),
  );
}

function toEvents(listeners: Listeners): Record<string, EventSchema> {
  return Object.fromEntries(
    Object.entries(listeners).map(([name, handler]) => {
      const params = name.startsWith("$") ? undefined : eventContracts[name as EventName];
      return [name, { ...(params && { params }), handler } as EventSchema];
    }),
  );
}
