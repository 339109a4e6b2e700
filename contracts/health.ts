import Type, { type Static } from "typebox";

/**
 * What a service can do now:
 * - `up`: it serves calls, and its database accepts writes.
 * - `database unreachable`: it answers, but its database does not accept a write.
 * - `unresponsive`: it is known to run, and does not answer in time: it is frozen, or waits for something slow.
 * - `overloaded`: it does not answer in time, and api sheds requests to it.
 * - `unreachable`: no node that offers it can be reached.
 * - `disconnected`: the node that was asked has no connection to RabbitMQ.
 * - `blocked`: RabbitMQ has a memory or disk alarm and accepts no messages.
 * - `unrouted`: the node that was asked is connected to RabbitMQ, which does not deliver its messages.
 * - `isolated`: the node that was asked is connected to RabbitMQ, and no other node answers it.
 */
export const ServiceState = Type.Enum([
  "up",
  "database unreachable",
  "unresponsive",
  "overloaded",
  "unreachable",
  "disconnected",
  "blocked",
  "unrouted",
  "isolated",
]);
export type ServiceState = Static<typeof ServiceState>;

/** `GET /health/ready`: "ready" when every service is up. */
export const Readiness = Type.Object({
  status: Type.Enum(["ready", "not ready"]),
  services: Type.Record(Type.String(), ServiceState),
  /** On HEALTH_PORT: how far the node's clock is ahead of others (ms), where that is more than 2 s. It does not affect the status. */
  clockSkewMs: Type.Optional(Type.Record(Type.String(), Type.Integer())),
});
export type Readiness = Static<typeof Readiness>;

/** `GET /health/live`: "not live" when only a restart of the process can help; `causes` says why. */
export const Liveness = Type.Object({
  status: Type.Enum(["live", "not live"]),
  causes: Type.Optional(Type.Array(Type.String())),
});
export type Liveness = Static<typeof Liveness>;
