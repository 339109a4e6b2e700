import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { outboxPromises, type Fabric, type Market } from "../support/outbox-promises.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";
import { sharedMongo, sharedRabbit } from "../../bin/processes/servers.ts";

/** Two market nodes and the receiver, each on a connection of its own to RabbitMQ, over MongoDB. */
async function cluster(): Promise<Fabric> {
  const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  const env = clusterEnv(rabbit.url, mongo.url);
  for (const [name, value] of Object.entries({
    ...envOf("market", env),
    SERVICES: "market",
    LOG_LEVEL: "error",
  }))
    if (value !== undefined) process.env[name] = value;
  const { SchemaValidator } = await import("../../broker/validator.ts");
  const { default: market } = await import("../../services/market.service.ts");
  const node = () =>
    new ServiceBroker({
      ...brokerDefaults,
      nodeID: randomUUID(),
      namespace: env.NAMESPACE,
      transporter: amqp(rabbit.url),
      validator: new SchemaValidator({}),
      logger: false,
    });
  const receiver = new RecordingReceiver();
  let brokers: ServiceBroker[] = [];
  let receiving: ServiceBroker | undefined;
  const fabric: Fabric = {
    receiver,
    markets: [],
    async fill(items) {
      await fabric.markets[0]!.store.ping();
      await fabric.markets[0]!.adapter.collection!.insertMany(items);
    },
    async appear() {
      if (!receiving) {
        receiving = node();
        receiving.createService(receiver.service);
        await receiving.start();
      }
      await Promise.all(brokers.map((broker) => broker.waitForServices("notifications")));
    },
    async vanish() {
      await receiving?.stop();
      receiving = undefined;
    },
    async start() {
      brokers = [node(), node()];
      fabric.markets = brokers.map((broker) => broker.createService(market) as Market);
      await Promise.all(brokers.map((broker) => broker.start()));
    },
    async stop() {
      await Promise.all(brokers.map((broker) => broker.stop()));
    },
    async end() {
      await fabric.vanish();
      await fabric.stop();
      await Promise.all([rabbit.stop(), mongo.stop()]);
    },
  };
  return fabric;
}

describe("the outbox of two nodes, over RabbitMQ and MongoDB", () =>
  outboxPromises(cluster, 10_000));
