import type { BrokerOptions } from "moleculer";
import { amqp, steadyBroker } from "./broker/amqp.ts";
import { env } from "./broker/env.ts";
import { greeting } from "./broker/greeting.ts";
import { onlyUser } from "./broker/lock.ts";
import { logging } from "./broker/logging.ts";
import { SchemaValidator } from "./broker/validator.ts";
import { nodeHealth } from "./mixins/health.ts";

export default {
  nodeID: env.nodeId,
  namespace: env.namespace,
  ...logging(env),
  ...steadyBroker,
  transporter: env.amqpUrl ? amqp(env.amqpUrl) : null,
  validator: new SchemaValidator({}),
  // It would hand every node the URL of RabbitMQ, with its password.
  internalServices: { $node: { actions: { options: false } } },
  middlewares: [nodeHealth(), ...(env.embedded ? [onlyUser(env.dataDir)] : [])],
  started: (broker) => console.log(greeting(broker, env)),
} satisfies BrokerOptions;
