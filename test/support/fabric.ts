/** The two ways to run Souk, for suites that hold on both. */
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { serviceNames, services, type ActionName, type Actions } from "../../contracts/actions.ts";
import type { ParamsOf, ResultOf } from "../../contracts/schema.ts";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { addressOf, startBroker } from "./broker.ts";
import { eventually } from "./eventually.ts";
import { startNode as startProcess, type Node } from "./node.ts";
import { sharedMongo, sharedRabbit } from "./servers.ts";

export interface Fabric {
  api: string;
  sockets: string;
  /** Calls an action inside the market, as the user with this id. */
  call<A extends ActionName>(
    name: A,
    params: ParamsOf<Actions[A]>,
    userId?: string,
  ): Promise<ResultOf<Actions[A]>>;
  stop(): Promise<void>;
}

const as = (userId?: string) => ({ meta: userId ? { user: { id: userId } } : {} });

/** Everything in this process, over files. */
export async function embedded(): Promise<Fabric> {
  const broker = await startBroker();
  return {
    api: addressOf(broker, "api"),
    sockets: addressOf(broker, "notifications"),
    call: (name, params, userId) => broker.call(name, params, as(userId)),
    stop: () => broker.stop(),
  };
}

/** Each service a process of its own, over RabbitMQ and MongoDB; and this process is a node without services. */
export async function cluster(): Promise<Fabric> {
  const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  const env = clusterEnv(rabbit.url, mongo.url);
  const nodes = await Promise.all(
    serviceNames.map((name) => startProcess([name], envOf(name, env))),
  );
  const broker = new ServiceBroker({
    ...brokerDefaults,
    nodeID: "test",
    namespace: env.NAMESPACE,
    transporter: amqp(rabbit.url),
    logger: false,
  });
  await broker.start();
  const found = (what: "api" | "sockets") => nodes.map((node: Node) => node[what]).find(Boolean)!;
  await eventually(async () => (await fetch(`${found("api")}/health/ready`)).status === 200, {
    within: 15_000,
  });
  await broker.waitForServices([...services]);
  return {
    api: found("api"),
    sockets: found("sockets"),
    call: (name, params, userId) => broker.call(name, params as object, as(userId)),
    async stop() {
      await broker.stop();
      await Promise.all(nodes.map((node) => node.end()));
      await Promise.all([rabbit.stop(), mongo.stop()]);
    },
  };
}

/** The environment of a new cluster: a namespace, databases and keys of its own. */
export function clusterEnv(amqpUrl: string, mongoUrl: string) {
  const run = randomUUID().slice(0, 8);
  const pair = newKeyPair();
  const database = (owner: string) => `${mongoUrl.replace(/\/$/, "")}/souk-${owner}-${run}`;
  const mongoUrls = Object.fromEntries(
    services.map((owner) => [`${owner.toUpperCase()}_MONGO_URL`, database(owner)]),
  ) as Record<`${Uppercase<(typeof services)[number]>}_MONGO_URL`, string>;
  return {
    AMQP_URL: amqpUrl,
    ...mongoUrls,
    NAMESPACE: run,
    RATE_SCALE: "1000",
    AUTH_JWKS: encode({ keys: [pair.public] }),
    AUTH_PRIVATE_JWK: encode(pair.private),
  };
}

/** The environment of one service of it. Only users gets the private key. */
export const envOf = (name: string, env: ReturnType<typeof clusterEnv>) => ({
  ...env,
  AUTH_PRIVATE_JWK: name === "users" ? env.AUTH_PRIVATE_JWK : undefined,
});
