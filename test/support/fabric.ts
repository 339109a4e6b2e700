/** The two ways to run Souk, for suites that hold on both. */
import { randomUUID } from "node:crypto";
import { ServiceBroker } from "moleculer";
import type { ActionName, Actions } from "../../contracts/actions.ts";
import type { ParamsOf, ResultOf } from "../../contracts/schema.ts";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { eventually } from "./eventually.ts";
import { startNode as startProcess, temporaryFolder, type Node } from "./node.ts";
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
  const folder = temporaryFolder();
  Object.assign(process.env, {
    DATA_DIR: folder.path,
    PORT: "0",
    SOCKET_PORT: "0",
    LOG_LEVEL: "error",
    RATE_SCALE: "1000",
  });
  const { startNode } = await import("../../bin/node.ts");
  const broker = await startNode([], { started: () => {} }); // without the greeting
  const at = (service: string) =>
    (broker.getLocalService(service) as unknown as { address(): { port: number } }).address().port;
  return {
    api: `http://127.0.0.1:${at("api")}`,
    sockets: `http://127.0.0.1:${at("notifications")}`,
    call: (name, params, userId) => broker.call(name, params as object, as(userId)),
    async stop() {
      await broker.stop();
      folder.remove();
    },
  };
}

/** Each service a process of its own, over RabbitMQ and MongoDB; and this process a node without services. */
export async function cluster(): Promise<Fabric> {
  const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  const env = clusterEnv(rabbit.url, mongo.url);
  const nodes = await Promise.all(
    ["api", "market", "notifications", "users"].map((name) =>
      startProcess([name], envOf(name, env)),
    ),
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
  await broker.waitForServices(["market", "notifications", "users"]);
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

/** A namespace, databases and keys that nobody else uses. */
export function clusterEnv(amqpUrl: string, mongoUrl: string) {
  const run = randomUUID().slice(0, 8);
  const pair = newKeyPair();
  const database = (owner: string) => `${mongoUrl.replace(/\/$/, "")}/souk-${owner}-${run}`;
  return {
    AMQP_URL: amqpUrl,
    MARKET_MONGO_URL: database("market"),
    NOTIFICATIONS_MONGO_URL: database("notifications"),
    USERS_MONGO_URL: database("users"),
    NAMESPACE: run,
    RATE_SCALE: "1000",
    AUTH_JWKS: encode({ keys: [pair.public] }),
    AUTH_PRIVATE_JWK: encode(pair.private),
  };
}

/** The private key is for users alone. */
export const envOf = (name: string, env: ReturnType<typeof clusterEnv>) => ({
  ...env,
  AUTH_PRIVATE_JWK: name === "users" ? env.AUTH_PRIVATE_JWK : undefined,
});
