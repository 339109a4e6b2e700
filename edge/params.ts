import type { TSchema } from "typebox";
import { badData, refusal } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { actions } from "../contracts/actions.ts";
import type { FieldError } from "../contracts/errors.ts";
import { idempotencyHeader, type Route } from "../contracts/routes.ts";
import { takesKey } from "./idempotency-key.ts";

type Values = Record<string, unknown>;

/** Makes an action's params of the decoded path parameters, the raw query, the body and the idempotency key. Throws BAD_DATA with the invalid fields. */
export type ParamsParser = (path: Values, query: string, body: Values, key?: string) => Values;

/** Field errors in one response, so that it does not become larger than the request. */
const maxErrors = 20;

/**
 * Prepares the parser of a route once, at start. The action's schema defines the valid params. Path, query
 * and body are not merged: a parameter that is unknown, repeated or in the wrong place is refused.
 */
export function paramsParser(route: Route): ParamsParser {
  const schema = actions[route.action].params as TSchema;
  const check = checker(schema);
  const isCreating = takesKey(route);
  const pathNames = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const converters = takesBody(route)
    ? new Map<string, Convert>()
    : convertersOf(schema, pathNames);

  return (path, query, body, key) => {
    const errors: FieldError[] = [];
    const queried = query ? parseQuery(query, converters, errors) : {};
    for (const name of pathNames)
      if (Object.hasOwn(body, name)) errors.push({ field: name, message: "is given by the path" });
    if (isCreating && Object.hasOwn(body, "idempotencyKey"))
      errors.push({ field: "idempotencyKey", message: `is given by ${idempotencyHeader}` });
    const header = key === undefined ? {} : { idempotencyKey: key };
    const params = { ...body, ...queried, ...path, ...header };
    if (errors.length === 0) errors.push(...check(params));
    if (errors.length > 0) throw badData(errors.slice(0, maxErrors));
    return params;
  };
}

export const takesBody = ({ method }: Route) => method === "POST" || method === "PATCH";

type Convert = (text: string) => unknown;

/** Text that does not fit its type stays text, so that the schema reports it. */
const convertByType: Record<string, Convert> = {
  integer: (text) => (/^-?(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text),
  boolean: (text) => (text === "true" ? true : text === "false" ? false : text),
};

function convertersOf(schema: TSchema, pathNames: string[]): Map<string, Convert> {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  return new Map(
    Object.entries(properties)
      .filter(([name]) => !pathNames.includes(name))
      .map(([name, { type }]) => [name, convertByType[type ?? ""] ?? String]),
  );
}

function parseQuery(query: string, converters: Map<string, Convert>, errors: FieldError[]): Values {
  const values: Values = {};
  for (const pair of query.split("&")) {
    if (!pair) continue;
    const end = pair.indexOf("=");
    const name = decode(end < 0 ? pair : pair.slice(0, end));
    const convert = converters.get(name);
    if (!convert) errors.push({ field: name, message: "is not an accepted field" });
    else if (Object.hasOwn(values, name)) errors.push({ field: name, message: "is given twice" });
    else values[name] = convert(end < 0 ? "" : decode(pair.slice(end + 1)));
  }
  return values;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw refusal("BAD_DATA", "The query is not percent-encoded UTF-8.");
  }
}
