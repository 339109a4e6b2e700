import { actions } from "../../contracts/actions.ts";
import { errors, Problem, type ErrorCode } from "../../contracts/errors.ts";
import { idempotencyHeader, routes, type Route } from "../../contracts/routes.ts";
import { takesKey } from "../idempotency-key.ts";
import { exampleOf, type Shape } from "./example.ts";
import { refusals, summaries, type RoutedAction } from "./descriptions.ts";
import { staticOperations } from "./static-operations.ts";

/** The codes that any route may refuse with. */
const commonRefusals: ErrorCode[] = [
  "BAD_DATA",
  "FORBIDDEN",
  "TOO_LARGE",
  "TOO_MANY_REQUESTS",
  "INTERNAL",
  "UNAVAILABLE",
  "TIMEOUT",
];

/** The REST interface as OpenAPI 3.1, made of the same table and schemas as the gateway, so the two cannot differ. */
export function openapi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes)
    (paths[toTemplate(route.path)] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: "3.1.0",
    info: {
      title: "Souk",
      version: "1",
      description:
        "A marketplace where every item is sold once, and every seller is notified of the sale.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths: { ...paths, ...staticOperations },
    components: {
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "The `accessToken` of a sign-in or refresh. It is valid for 15 minutes.",
        },
      },
      schemas: { Problem },
    },
  };
}

const toTemplate = (path: string) => path.replace(/:(\w+)/g, "{$1}");

function operation(route: Route): object {
  const { action, who } = route;
  const { params } = actions[action] as { params: Shape };
  const pathNames = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const hasBody = route.method === "POST" || route.method === "PATCH";
  const parameters = Object.entries(params.properties ?? {})
    .filter(([name]) => pathNames.includes(name) || !hasBody)
    .map(([name, schema]) => parameter(name, pathNames.includes(name), schema, params));
  const inHeader = takesKey(route) ? ["idempotencyKey"] : [];
  if (takesKey(route)) parameters.push(keyParameter(params.properties!.idempotencyKey!));
  return {
    operationId: action,
    summary: summaries[action as RoutedAction],
    tags: [action.split(".")[0]],
    security: who === "user" ? [{ accessToken: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(hasBody && {
      requestBody: body(without(params, [...pathNames, ...inHeader]), titled(action, "Body")),
    }),
    responses: { ...success(route), ...problems(refusalsOf(route)) },
  };
}

const parameter = (name: string, isInPath: boolean, schema: Shape, { required = [] }: Shape) => ({
  name,
  in: isInPath ? "path" : "query",
  required: isInPath || required.includes(name),
  ...(schema.description && { description: schema.description }),
  example: exampleOf(schema),
  schema,
});

const keyParameter = (schema: Shape) => ({
  name: idempotencyHeader,
  in: "header",
  required: false,
  description: schema.description,
  example: exampleOf(schema),
  schema,
});

const body = (schema: Shape, title: object) => ({
  required: Boolean(schema.anyOf ?? schema.required?.length ?? schema.minProperties),
  content: {
    "application/json": { schema: { ...title, ...schema }, example: exampleOf(schema) },
  },
});

function success({ action, success }: Route): Record<string, object> {
  const schema = { ...titled(action, "Result"), ...actions[action].result };
  const example = exampleOf(actions[action].result as Shape);
  return {
    [success]: {
      description: success === 201 ? "Created" : "Done",
      headers: { "X-Request-Id": { schema: { type: "string" } } },
      ...(success !== 204 && { content: { "application/json": { schema, example } } }),
    },
  };
}

const refusalsOf = (route: Route): ErrorCode[] => [
  ...commonRefusals,
  ...(route.who === "user" ? (["UNAUTHENTICATED"] as const) : []),
  ...(takesKey(route) ? (["IDEMPOTENCY_KEY_REUSED"] as const) : []),
  ...(refusals[route.action] ?? []),
];

/** A name for readers and code generators, such as `MarketBuyResult`. */
const titled = (action: Route["action"], part: string) => ({
  title: [...action.split("."), part]
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join(""),
});

/** The part of an action's params that is not in the path. */
function without(params: Shape, names: string[]): Shape {
  if (names.length === 0) return params;
  const { properties = {}, required = [], minProperties, ...rest } = params;
  const left = required.filter((name) => !names.includes(name));
  return {
    ...rest,
    properties: Object.fromEntries(
      Object.entries(properties).filter(([name]) => !names.includes(name)),
    ),
    ...(left.length > 0 && { required: left }),
    ...(minProperties && { minProperties: minProperties - names.length }),
  };
}

/** One response for each status, with the codes that it may carry. */
function problems(codes: ErrorCode[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errors[code].status);
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, problem(status, same)]));
}

const problem = (status: number, codes: ErrorCode[]) => ({
  description: codes.map((code) => `\`${code}\`: ${errors[code].title}`).join("; "),
  headers:
    status === 429 || status === 503
      ? { "Retry-After": { description: "Seconds", schema: { type: "integer" } } }
      : {},
  content: {
    "application/problem+json": {
      schema: {
        $ref: "#/components/schemas/Problem",
        properties: { code: { enum: codes }, status: { const: status } },
      },
    },
  },
});
