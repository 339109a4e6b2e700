import type { TSchema } from "typebox";
import { badData, refusal } from "../broker/refusal.ts";
import { checker } from "../broker/validator.ts";
import { actions } from "../contracts/actions.ts";
import type { FieldError } from "../contracts/errors.ts";
import type { Route } from "../contracts/routes.ts";

type Values = Record<string, unknown>;

/** Through it a request's path, raw query and body become the action's params. Throws BAD_DATA. */
export type ParamsParser = (path: Values, query: string, body: Values) => Values;

/** More than a person reads; the rest would only make the answer larger than the request. */
const mostFaults = 20;

/** One way in, made ready once at start: what it takes is the action's own schema, and nothing twice, unknown or out of place passes. */
export function paramsParser(route: Route): ParamsParser {
  const schema = actions[route.action].params as TSchema;
  const check = checker(schema);
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const queried = takesBody(route) ? new Map<string, Convert>() : converters(schema, inPath);

  return (path, query, body) => {
    const faults: FieldError[] = [];
    const asked = query ? fromQuery(query, queried, faults) : {};
    for (const name of inPath)
      if (Object.hasOwn(body, name)) faults.push({ field: name, message: "is given by the path" });
    const params = { ...body, ...asked, ...path };
    if (faults.length === 0) faults.push(...check(params));
    if (faults.length > 0) throw badData(faults.slice(0, mostFaults));
    return params;
  };
}

export const takesBody = ({ method }: Route) => method === "POST" || method === "PATCH";

type Convert = (text: string) => unknown;

/** A text that is not of its type stays a text, and the schema's check then says what is wrong with it. */
const convert: Record<string, Convert> = {
  integer: (text) => (/^-?(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text),
  boolean: (text) => (text === "true" ? true : text === "false" ? false : text),
};

function converters(schema: TSchema, inPath: string[]): Map<string, Convert> {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  return new Map(
    Object.entries(properties)
      .filter(([name]) => !inPath.includes(name))
      .map(([name, { type }]) => [name, convert[type ?? ""] ?? String]),
  );
}

function fromQuery(query: string, known: Map<string, Convert>, faults: FieldError[]): Values {
  const values: Values = {};
  for (const pair of query.split("&")) {
    if (!pair) continue;
    const end = pair.indexOf("=");
    const name = decoded(end < 0 ? pair : pair.slice(0, end));
    const converter = known.get(name);
    if (!converter) faults.push({ field: name, message: "is not known here" });
    else if (Object.hasOwn(values, name)) faults.push({ field: name, message: "is given twice" });
    else values[name] = converter(end < 0 ? "" : decoded(pair.slice(end + 1)));
  }
  return values;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw refusal("BAD_DATA", "The query is not percent-encoded UTF-8");
  }
}
