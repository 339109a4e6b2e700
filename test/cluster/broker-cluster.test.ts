/** The whole market over three joined RabbitMQ nodes: some are frozen, one is killed, all queues are purged. */
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
    ["users", "market", "notifications", "deliveries", "api"].map(async (name) => {
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

/** The number of RabbitMQ's node that the node is connected to, from 1. */
const brokerOf = (node: Node) =>
  1 + brokers.urls.findIndex((url) => url.endsWith(`@${hostOf(node)}`));

// RabbitMQ gives up a frozen node after a minute, and elects another leader of its metadata after 7 to 10 s.
it.each([1, 2, 3])(
  "sells on while the RabbitMQ node %d of three is frozen, before RabbitMQ gives it up",
  async (frozen) => {
    await eventually(sellOne, { within: 60_000 });

    await brokers.kill(frozen, "SIGSTOP");
    try {
      await eventually(() => expect(Object.values(nodes).map(brokerOf)).not.toContain(frozen), {
        within: 40_000,
      });
      await eventually(sellOne, { within: 10_000 });
    } finally {
      await brokers.kill(frozen, "SIGCONT");
    }
  },
  180_000,
);

it("sells on while the RabbitMQ node of the market is separated from the other two", async () => {
  await eventually(sellOne, { within: 60_000 });
  const separated = brokerOf(nodes.market!);
  const others = brokers.urls.filter((_url, i) => i + 1 !== separated);
  const forEachOther = (commands: string) =>
    brokers.ctl(
      separated,
      "eval",
      `[begin ${commands} end || Port <- [${others.map((url) => `"${new URL(url).port}"`).join()}], Node <- [list_to_atom("souk" ++ Port ++ "@localhost")]].`,
    );

  // The other nodes refuse a connection with the wrong cookie.
  await forEachOther("erlang:set_cookie(Node, wrong), erlang:disconnect_node(Node)");
  try {
    await eventually(
      () => expect(nodes.market!.output()).toContain("is separated from the majority"),
      { within: 60_000 },
    );
    await eventually(() => expect(Object.values(nodes).map(brokerOf)).not.toContain(separated), {
      within: 60_000,
    });
    await eventually(sellOne, { within: 60_000 });
  } finally {
    await forEachOther(
      "erlang:set_cookie(Node, erlang:get_cookie()), net_kernel:connect_node(Node)",
    );
  }
}, 180_000);

it("sells again when two frozen RabbitMQ nodes of three run again", async () => {
  await eventually(sellOne, { within: 60_000 });
  for (const node of [1, 2]) await brokers.kill(node, "SIGSTOP");
  try {
    await eventually(() => expect(sellOne()).rejects.toMatchObject({ code: "UNAVAILABLE" }), {
      within: 40_000,
    });
  } finally {
    for (const node of [1, 2]) await brokers.kill(node, "SIGCONT");
  }

  await eventually(sellOne, { within: 60_000 });
}, 180_000);

it("loses no sale and no notice when all queues are purged, and each node logs it", async () => {
  await eventually(sellOne, { within: 60_000 });
  const { unread } = await seller!.notifications({ limit: 1 });
  let isPurged = false;
  const sold: string[] = [];
  const buyers = Array.from({ length: 4 }, async () => {
    while (!isPurged) {
      const { id } = await eventually(() => seller!.offer({ title: "A lamp", price: 100 }));
      await eventually(() => buyer!.buy(id)); // the buyer gets the same sale again
      sold.push(id);
    }
  });

  try {
    await purgeQueues();
    await eventually(
      () => {
        for (const node of Object.values(nodes))
          expect(node.output()).toContain("the queue was purged, or a policy drops messages");
      },
      { within: 40_000 },
    );
  } finally {
    isPurged = true;
    await Promise.all(buyers);
  }

  expect(sold.length).toBeGreaterThan(0);
  await eventually(
    async () => {
      const now = await seller!.notifications({ limit: 1 });
      expect(now.unread - unread).toBeGreaterThanOrEqual(sold.length);
    },
    { within: 60_000 },
  );
}, 180_000);

/** As `rabbitmqctl purge_queue` does, which refuses locked queues. A queue may be deleted meanwhile. */
async function purgeQueues(): Promise<void> {
  const purge = '[(catch rabbit_amqqueue:purge(Queue)) || Queue <- rabbit_amqqueue:list(<<"/">>)].';
  await brokers.ctl(1, "eval", purge);
}

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
