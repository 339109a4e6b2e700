/** The two fabrics on which Souk runs, for suites that check both. */
import { ServiceBroker } from "moleculer";
import { serviceNames, services, type ActionName, type Actions } from "../../contracts/actions.ts";
import type { ParamsOf, ResultOf } from "../../contracts/schema.ts";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode as startProcess, type Node } from "../../bin/processes/node-process.ts";
import { sharedMongo, sharedRabbit } from "../../bin/processes/servers.ts";
import { addressOf, startBroker } from "./broker.ts";

export interface Fabric {
  api: string;
  sockets: string;
  /** Calls an action from inside the market, as the user with this id. */
  call<A extends ActionName>(
    name: A,
    params: ParamsOf<Actions[A]>,
    userId?: string,
  ): Promise<ResultOf<Actions[A]>>;
  stop(): Promise<void>;
}

const as = (userId?: string) => ({ meta: userId ? { user: { id: userId } } : {} });

/** All services in this process, over files. */
export async function embedded(): Promise<Fabric> {
  const broker = await startBroker();
  return {
    api: addressOf(broker, "api"),
    sockets: addressOf(broker, "notifications"),
    call: (name, params, userId) => broker.call(name, params, as(userId)),
    stop: () => broker.stop(),
  };
}

/** One process for each service, over RabbitMQ and MongoDB. This process is a node without services. */
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
  const origin = (of: "api" | "sockets") => nodes.map((node: Node) => node[of]).find(Boolean)!;
  await eventually(async () => (await fetch(`${origin("api")}/health/ready`)).status === 200, {
    within: 60_000,
  });
  await broker.waitForServices([...services]);
  return {
    api: origin("api"),
    sockets: origin("sockets"),
    call: (name, params, userId) => broker.call(name, params as object, as(userId)),
    async stop() {
      await broker.stop();
      await Promise.all(nodes.map((node) => node.end()));
      await Promise.all([rabbit.stop(), mongo.stop()]);
    },
  };
}
