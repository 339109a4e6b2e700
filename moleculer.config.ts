import type { BrokerOptions } from "moleculer";
import { announcementOf } from "./broker/announcement.ts";
import { announcedReadiness } from "./broker/announced-readiness.ts";
import { amqp, brokerDefaults } from "./broker/amqp/transporter.ts";
import { env } from "./broker/env.ts";
import { greeting } from "./broker/greeting.ts";
import { exclusive } from "./broker/folder-lock.ts";
import { logging } from "./broker/logging.ts";
import { withMetrics } from "./broker/metrics/exposition.ts";
import { processMetrics } from "./broker/metrics/process.ts";
import { readyFirst } from "./broker/ready-first.ts";
import { sealing } from "./broker/sealing.ts";
import { SchemaValidator } from "./broker/validator.ts";
import { nodeHealth } from "./edge/health.ts";
import { operations } from "./edge/operations.ts";
import { formerFiles } from "./store/former/files.ts";
import { listedFiles } from "./store/sqlite/listed-files.ts";

// Loaded on demand: most markets send no traces.
const tracing = env.otlpEndpoint && (await import("./broker/tracing/exporter.ts"));

const middlewares = [
  nodeHealth(),
  operations(),
  processMetrics(),
  sealing(env.keys),
  announcedReadiness(),
  ...(env.embedded
    ? [exclusive(env.dataDir), listedFiles(env.dataDir), formerFiles(env.dataDir)]
    : []),
];

export default {
  nodeID: env.nodeId,
  metadata: announcementOf(env.keys),
  namespace: env.namespace,
  ...logging(env, process.stdout.isTTY),
  ...brokerDefaults,
  registry: { ...brokerDefaults.registry, ...readyFirst },
  transporter: env.amqpUrl ? amqp(env.amqpUrl) : null,
  validator: new SchemaValidator({}),
  // $node.options would give the URL of RabbitMQ, with its password, to every node.
  internalServices: { $node: { actions: { options: false } } },
  ...(tracing && tracing.withTracing(env.otlpEndpoint!, env.traceShare)),
  ...(env.metricsPort === undefined ? { middlewares } : withMetrics(middlewares)),
  started: async (broker) => console.log(await greeting(broker, env)),
} satisfies BrokerOptions;
