/** Valid requests to any route of the contract, so that a new route needs no entry in a test. */
import fc from "fast-check";
import { actions, type ActionName } from "../../contracts/actions.ts";
import type { Route } from "../../contracts/routes.ts";
import { fitting, type Schema } from "./arbitraries.ts";

export const takesBody = ({ method }: Route) => method === "POST" || method === "PATCH";

/** The names of a path's parameters. */
export const pathNames = ({ path }: Route) =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);

/** The path with this value for each parameter. */
export const pathWith = ({ path }: Route, value: string) =>
  path.replace(/:\w+/g, encodeURIComponent(value));

/** Valid params of an action, made from its schema; the same in every run. */
export const paramsOf = (action: ActionName) =>
  fc.sample(fitting(actions[action].params as Schema), { seed: 1, numRuns: 1 })[0] as Record<
    string,
    unknown
  >;

/** Valid params of a route, without those in its path and its headers. */
export function inputOf(route: Route): Record<string, unknown> {
  const names = [...pathNames(route), ...(route.success === 201 ? ["idempotencyKey"] : [])];
  return Object.fromEntries(
    Object.entries(paramsOf(route.action)).filter(([name]) => !names.includes(name)),
  );
}

/** The fields that a route's query or body must have; of alternatives, those of each. */
export function requiredOf(route: Route): string[] {
  const { required = [], anyOf = [] } = actions[route.action].params as Schema;
  const names = pathNames(route);
  return [...required, ...anyOf.flatMap((one) => one.required ?? [])].filter(
    (name) => !names.includes(name),
  );
}
