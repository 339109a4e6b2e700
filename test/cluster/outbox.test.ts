import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { debtPromises, type Fabric, type Market } from "../support/outbox-promises.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { Listener } from "../support/listener.ts";
import { sharedMongo, sharedRabbit } from "../../bin/processes/servers.ts";

/** Two market nodes and whoever is told, each on its own connection to RabbitMQ, over MongoDB. */
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
  const listener = new Listener();
  let brokers: ServiceBroker[] = [];
  let listening: ServiceBroker | undefined;
  const fabric: Fabric = {
    listener,
    markets: [],
    async fill(items) {
      await fabric.markets[0]!.store.ping();
      await fabric.markets[0]!.adapter.collection!.insertMany(items);
    },
    async appear() {
      if (!listening) {
        listening = node();
        listening.createService(listener.service);
        await listening.start();
      }
      await Promise.all(brokers.map((broker) => broker.waitForServices("notifications")));
    },
    async vanish() {
      await listening?.stop();
      listening = undefined;
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

describe("debts of two nodes, over RabbitMQ and MongoDB", () => debtPromises(cluster, 10_000));
