import Type, { type Static } from "typebox";

/**
 * `unreachable`: the service does not answer. `database unreachable`: the service answers, its database does
 * not. `disconnected`: the service runs on this node, which has lost its connection to RabbitMQ.
 */
export const ServiceState = Type.Enum([
  "up",
  "unreachable",
  "database unreachable",
  "disconnected",
]);
export type ServiceState = Static<typeof ServiceState>;

/** `GET /health/ready`: "ready" when every service is up. */
export const Readiness = Type.Object({
  status: Type.Enum(["ready", "not ready"]),
  services: Type.Record(Type.String(), ServiceState),
});
export type Readiness = Static<typeof Readiness>;

/** `GET /health/live`. */
export const Liveness = Type.Object({ status: Type.Literal("live") });
export type Liveness = Static<typeof Liveness>;
