import { actions } from "./actions.ts";
import { Config } from "./config.ts";
import { errors, Problem, type ErrorCode } from "./errors.ts";
import { routes, type Route } from "./http.ts";

/** As plain JSON Schema. */
interface Shape {
  type?: string;
  anyOf?: Shape[];
  properties?: Record<string, Shape>;
  required?: string[];
  minProperties?: number;
}

/** The codes that any route may answer with, and those for which a condition of the route must hold. */
const always: ErrorCode[] = ["BAD_DATA", "FORBIDDEN", "TOO_LARGE", "TOO_MANY_REQUESTS", "INTERNAL", "UNAVAILABLE", "TIMEOUT"];
/** What an action refuses besides. */
const refusals: Partial<Record<Route["action"], ErrorCode[]>> = {
  "users.register": ["EMAIL_TAKEN"],
  "users.login": ["UNAUTHENTICATED"],
  "users.refresh": ["UNAUTHENTICATED"],
  "users.me": ["NOT_FOUND"],
  "users.changePassword": ["NOT_FOUND"],
  "users.profile": ["NOT_FOUND"],
  "market.item": ["ITEM_NOT_FOUND"],
  "market.revise": ["ITEM_NOT_FOUND", "ITEM_SOLD"],
  "market.withdraw": ["ITEM_NOT_FOUND", "ITEM_SOLD"],
  "market.buy": ["ITEM_NOT_FOUND", "ITEM_SOLD", "OWN_ITEM", "PRICE_CHANGED"],
};

/** The REST surface as OpenAPI 3.1: made of the same table and schemas that the gateway is made of, so that it cannot say anything else. */
export function openapi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[templated(route.path)] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: "3.1.0",
    info: {
      title: "Souk",
      version: "1",
      description: "A marketplace where every item is sold once, and every seller hears of the sale.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths: { ...paths, ...configuration, ...health },
    components: {
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "The `accessToken` of a sign-in or refresh; it lives 15 minutes.",
        },
      },
      schemas: { Problem },
    },
  };
}

const templated = (path: string) => path.replace(/:(\w+)/g, "{$1}");

function operation(route: Route): object {
  const { action, who, success } = route;
  const { params, result } = actions[action] as { params: Shape; result: Shape };
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const isQueried = route.method === "GET" || route.method === "DELETE";
  const parameters = Object.entries(params.properties ?? {})
    .filter(([name]) => inPath.includes(name) || isQueried)
    .map(([name, schema]) => parameter(name, inPath.includes(name) ? "path" : "query", schema, params));
  return {
    operationId: action,
    tags: [action.split(".")[0]],
    security: who === "user" ? [{ accessToken: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(!isQueried && { requestBody: body(without(params, inPath)) }),
    responses: {
      [success]: {
        description: success === 201 ? "Made" : "Done",
        headers: { "X-Request-Id": { schema: { type: "string" } } },
        ...(success !== 204 && { content: { "application/json": { schema: result } } }),
      },
      ...problems([...always, ...(who === "user" ? (["UNAUTHENTICATED"] as const) : []), ...(refusals[action] ?? [])]),
    },
  };
}

const parameter = (name: string, where: "path" | "query", schema: Shape, { required = [] }: Shape) => ({
  name,
  in: where,
  required: where === "path" || required.includes(name),
  schema,
});

const body = (schema: Shape) => ({
  required: Boolean(schema.anyOf ?? schema.required?.length ?? schema.minProperties),
  content: { "application/json": { schema } },
});

/** The part of an action's params that does not come from the path. */
function without(params: Shape, names: string[]): Shape {
  if (names.length === 0) return params;
  const { properties = {}, required = [], minProperties, ...rest } = params;
  const left = required.filter((name) => !names.includes(name));
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name))),
    ...(left.length > 0 && { required: left }),
    ...(minProperties && { minProperties: minProperties - names.length }),
  };
}

/** One response for each status, with the codes that it may carry. */
function problems(codes: ErrorCode[]): Record<string, object> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errors[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map((code) => `\`${code}\`: ${errors[code].title}`).join("; "),
        headers: status === 429 || status === 503 ? { "Retry-After": { description: "Seconds", schema: { type: "integer" } } } : {},
        content: {
          "application/problem+json": {
            schema: { $ref: "#/components/schemas/Problem", properties: { code: { enum: same }, status: { const: status } } },
          },
        },
      },
    ]),
  );
}

const configuration = {
  "/config.json": {
    get: {
      operationId: "config",
      tags: ["server"],
      security: [],
      responses: {
        200: {
          description: "Where the sockets are (null: at this host, on `socketPort`), and the currency",
          content: { "application/json": { schema: Config } },
        },
      },
    },
  },
};

const readiness = (description: string) => ({
  description,
  content: {
    "application/json": {
      schema: {
        type: "object",
        required: ["status"],
        properties: { status: { type: "string" }, services: { type: "object", additionalProperties: { type: "string" } } },
      },
    },
  },
});
const health = {
  "/health/live": { get: { operationId: "live", tags: ["server"], security: [], responses: { 200: readiness("This process runs") } } },
  "/health/ready": {
    get: {
      operationId: "ready",
      tags: ["server"],
      security: [],
      responses: { 200: readiness("Every service and its database answers"), 503: readiness("Some service or database is away") },
    },
  },
};
