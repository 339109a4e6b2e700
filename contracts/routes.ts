import type { ActionName } from "./actions.ts";

// The client contains this table. Import only types here, or the client would contain the schemas too.

export interface Route {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `:name` is a parameter. The action's other params are in the query of GET and DELETE, otherwise in the JSON body. */
  path: `/${string}`;
  action: ActionName;
  who: "anyone" | "user";
  /** 201: it creates something. Such a route takes the header `Idempotency-Key`, and its action the param `idempotencyKey`. */
  success: 200 | 201 | 204;
  /** The body may also be a form, which is not read: mail providers send one (RFC 8058), and the path says everything. */
  takesForm?: boolean;
}

/** The whole REST interface. The gateway's aliases, OpenAPI, the client and the security tests are made of this table. */
export const routes = [
  { method: "POST", path: "/users", action: "users.register", who: "anyone", success: 201 },
  { method: "POST", path: "/users/login", action: "users.login", who: "anyone", success: 200 },
  { method: "POST", path: "/users/refresh", action: "users.refresh", who: "anyone", success: 200 },
  { method: "POST", path: "/users/logout", action: "users.logout", who: "user", success: 204 },
  {
    method: "POST",
    path: "/users/password",
    action: "users.changePassword",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/users/verification",
    action: "users.requestVerification",
    who: "user",
    success: 200,
  },
  { method: "POST", path: "/users/verify", action: "users.verify", who: "anyone", success: 200 },
  { method: "GET", path: "/users/me", action: "users.me", who: "user", success: 200 },
  { method: "GET", path: "/users/:id", action: "users.profile", who: "anyone", success: 200 },
  { method: "GET", path: "/market/items", action: "market.items", who: "anyone", success: 200 },
  { method: "GET", path: "/market/items/:id", action: "market.item", who: "anyone", success: 200 },
  { method: "POST", path: "/market/items", action: "market.offer", who: "user", success: 201 },
  {
    method: "PATCH",
    path: "/market/items/:id",
    action: "market.revise",
    who: "user",
    success: 200,
  },
  {
    method: "DELETE",
    path: "/market/items/:id",
    action: "market.withdraw",
    who: "user",
    success: 204,
  },
  { method: "POST", path: "/market/buy/:id", action: "market.buy", who: "user", success: 200 },
  {
    method: "GET",
    path: "/market/purchases",
    action: "market.purchases",
    who: "user",
    success: 200,
  },
  { method: "GET", path: "/market/sales", action: "market.sales", who: "user", success: 200 },
  {
    method: "GET",
    path: "/notifications",
    action: "notifications.inbox",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/notifications/read",
    action: "notifications.read",
    who: "user",
    success: 200,
  },
  {
    method: "GET",
    path: "/notifications/preferences",
    action: "notifications.preferences",
    who: "user",
    success: 200,
  },
  {
    method: "PATCH",
    path: "/notifications/preferences",
    action: "notifications.setPreferences",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/notifications/push",
    action: "notifications.subscribe",
    who: "user",
    success: 201,
  },
  {
    method: "DELETE",
    path: "/notifications/push/:id",
    action: "notifications.unsubscribe",
    who: "user",
    success: 204,
  },
  {
    method: "GET",
    path: "/notifications/webhooks",
    action: "notifications.webhooks",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/notifications/webhooks",
    action: "notifications.addWebhook",
    who: "user",
    success: 201,
  },
  {
    method: "PATCH",
    path: "/notifications/webhooks/:id",
    action: "notifications.changeWebhook",
    who: "user",
    success: 200,
  },
  {
    method: "DELETE",
    path: "/notifications/webhooks/:id",
    action: "notifications.removeWebhook",
    who: "user",
    success: 204,
  },
  {
    method: "POST",
    path: "/notifications/webhooks/:id/rotate",
    action: "notifications.rotateWebhook",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/notifications/test",
    action: "notifications.testChannel",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/notifications/unsubscribe/:token",
    action: "notifications.stopMail",
    who: "anyone",
    success: 200,
    takesForm: true,
  },
  {
    method: "GET",
    path: "/notifications/webhooks/:id/deliveries",
    action: "deliveries.list",
    who: "user",
    success: 200,
  },
  {
    method: "POST",
    path: "/notifications/webhooks/:id/deliveries/:deliveryId/replay",
    action: "deliveries.replayOne",
    who: "user",
    success: 200,
  },
] as const satisfies readonly Route[];

/** The header that makes a creating request safe to repeat: the param `idempotencyKey`. */
export const idempotencyHeader = "Idempotency-Key";

/** The largest request body, in bytes. */
export const bodyLimit = 32 * 1024;
