/** The whole market over three joined RabbitMQ nodes, of which one is killed. */
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { startRabbitCluster, type RabbitCluster } from "../../bin/processes/rabbit-cluster.ts";
import { SERVER_START, sharedMongo, type Shared } from "../../bin/processes/servers.ts";
import { createSouk, type Souk } from "../../client/index.ts";

let brokers: RabbitCluster;
let mongo: Shared;
const nodes: Record<string, Node> = {};
let [seller, buyer]: Souk[] = [];

beforeAll(async () => {
  [brokers, mongo] = await Promise.all([startRabbitCluster(), sharedMongo()]);
  const env = clusterEnv(brokers.urls.join(","), mongo.url);
  await Promise.all(
    ["users", "market", "notifications", "api"].map(async (name) => {
      nodes[name] = await startNode([name], { ...envOf(name, env), LOG_LEVEL: "info" });
    }),
  );
  [seller, buyer] = await Promise.all(["seller", "buyer"].map(signedUp));
}, SERVER_START);
afterAll(async () => {
  await Promise.all(Object.values(nodes).map((node) => node.end("SIGKILL")));
  await Promise.all([brokers?.stop(), mongo?.stop()]);
}, 60_000);

async function signedUp(name: string): Promise<Souk> {
  const souk = createSouk({ url: nodes.api!.api });
  const account = { email: `${name}@souk.test`, password: `${name}-c0rrect-horse`, name };
  await eventually(() => souk.register(account), { within: 60_000 });
  return souk;
}

async function sellOne(): Promise<void> {
  const { id } = await seller!.offer({ title: "A lamp", price: 100 });
  await buyer!.buy(id);
}

/** The host that a node connected to last. */
const hostOf = ({ output }: Node) =>
  [...output().matchAll(/Connected to RabbitMQ at amqp:\/\/…@([\d.]+:\d+)/g)].at(-1)?.[1];

it("sells on when the RabbitMQ node of the market is killed", async () => {
  await sellOne();
  const host = hostOf(nodes.market!);
  const killed = brokers.urls.findIndex((url) => url.endsWith(`@${host}`));

  await brokers.kill(killed + 1);

  await eventually(() => expect(hostOf(nodes.market!)).not.toBe(host), { within: 60_000 });
  await eventually(sellOne, { within: 60_000 });
}, 180_000);

it("notifies the seller of each sale", async () => {
  await eventually(
    async () => {
      const { unread } = await seller!.notifications({});
      expect(unread).toBeGreaterThanOrEqual(2);
    },
    { within: 60_000 },
  );
});
