import { actions } from "../../contracts/actions.ts";
import { Config } from "../../contracts/config.ts";
import { errors, Problem, type ErrorCode } from "../../contracts/errors.ts";
import { routes, type Route } from "../../contracts/routes.ts";

/** As plain JSON Schema. */
interface Shape {
  type?: string;
  anyOf?: Shape[];
  properties?: Record<string, Shape>;
  required?: string[];
  minProperties?: number;
}

type RoutedAction = (typeof routes)[number]["action"];

/** What each is for, in a line. A route without one does not compile. */
const summaries: Record<RoutedAction, string> = {
  "users.register": "Make an account, and sign in",
  "users.login": "Sign in",
  "users.refresh": "Trade the refresh token for the next pair; it is spent by that",
  "users.logout": "Sign out: this session's tokens and sockets end",
  "users.changePassword": "Change the password; every other session ends",
  "users.me": "Who is signed in",
  "users.profile": "What everybody may know of a user",
  "market.items": "Browse and search items",
  "market.item": "One item",
  "market.offer": "Offer an item for sale",
  "market.revise": "Change an item of one's own that is not sold",
  "market.withdraw": "Take back an item of one's own that is not sold",
  "market.buy": "Buy an item, once; safe to repeat. With a price, only at that price",
  "market.purchases": "What the caller bought, newest first",
  "market.sales": "What the caller sold, newest first",
  "notifications.inbox": "The caller's notices, newest first",
  "notifications.read": "Mark notices as read: these, all, or all until one",
};

/** The codes that any route may answer with, and those for which a condition of the route must hold. */
const always: ErrorCode[] = [
  "BAD_DATA",
  "FORBIDDEN",
  "TOO_LARGE",
  "TOO_MANY_REQUESTS",
  "INTERNAL",
  "UNAVAILABLE",
  "TIMEOUT",
];
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
  for (const route of routes)
    (paths[templated(route.path)] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: "3.1.0",
    info: {
      title: "Souk",
      version: "1",
      description:
        "A marketplace where every item is sold once, and every seller hears of the sale.",
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
    .map(([name, schema]) =>
      parameter(name, inPath.includes(name) ? "path" : "query", schema, params),
    );
  return {
    operationId: action,
    summary: summaries[action as RoutedAction],
    tags: [action.split(".")[0]],
    security: who === "user" ? [{ accessToken: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(!isQueried && { requestBody: body(without(params, inPath), titled(action, "Body")) }),
    responses: {
      [success]: {
        description: success === 201 ? "Made" : "Done",
        headers: { "X-Request-Id": { schema: { type: "string" } } },
        ...(success !== 204 && {
          content: { "application/json": { schema: { ...titled(action, "Result"), ...result } } },
        }),
      },
      ...problems([
        ...always,
        ...(who === "user" ? (["UNAUTHENTICATED"] as const) : []),
        ...(refusals[action] ?? []),
      ]),
    },
  };
}

const parameter = (
  name: string,
  where: "path" | "query",
  schema: Shape,
  { required = [] }: Shape,
) => ({
  name,
  in: where,
  required: where === "path" || required.includes(name),
  schema,
});

const body = (schema: Shape, title: object) => ({
  required: Boolean(schema.anyOf ?? schema.required?.length ?? schema.minProperties),
  content: { "application/json": { schema: { ...title, ...schema } } },
});

/** A name for readers, and for what generators make of it: `MarketBuyResult`. */
const titled = (action: Route["action"], what: string) => ({
  title: [...action.split("."), what]
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join(""),
});

/** The part of an action's params that does not come from the path. */
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
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map((code) => `\`${code}\`: ${errors[code].title}`).join("; "),
        headers:
          status === 429 || status === 503
            ? { "Retry-After": { description: "Seconds", schema: { type: "integer" } } }
            : {},
        content: {
          "application/problem+json": {
            schema: {
              $ref: "#/components/schemas/Problem",
              properties: { code: { enum: same }, status: { const: status } },
            },
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
      summary: "What a page must know of this installation",
      tags: ["server"],
      security: [],
      responses: {
        200: {
          description:
            "Where the sockets are (null: at this host, on `socketPort`), and the currency",
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
        properties: {
          status: { type: "string" },
          services: { type: "object", additionalProperties: { type: "string" } },
        },
      },
    },
  },
});
const health = {
  "/health/live": {
    get: {
      operationId: "live",
      summary: "Whether this process runs",
      tags: ["server"],
      security: [],
      responses: { 200: readiness("This process runs") },
    },
  },
  "/health/ready": {
    get: {
      operationId: "ready",
      summary: "Whether every service and its database answers",
      tags: ["server"],
      security: [],
      responses: {
        200: readiness("Every service and its database answers"),
        503: readiness("Some service or database is away"),
      },
    },
  },
};
