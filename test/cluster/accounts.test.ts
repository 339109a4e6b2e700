/**
 * The accounts that docker-compose.yml gives to the services in RabbitMQ and MongoDB: enough for all that a service does,
 * and for little else. The permissions are read from deploy/, and the servers are real.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import Type from "typebox";
import { connect, type Channel } from "amqplib";
import { MongoClient, type Document } from "mongodb";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { startRabbitCluster, type RabbitCluster } from "../../bin/processes/rabbit-cluster.ts";
import { SERVER_START, startMongo, type Server } from "../../bin/processes/servers.ts";
import { serviceNames, services } from "../../contracts/actions.ts";
import type { Notification } from "../../contracts/notifications.ts";
import { MongoStore } from "../../store/mongo.ts";
import { Client } from "../support/client.ts";

const deploy = (file: string) =>
  readFileSync(join(import.meta.dirname, "../../deploy", file), "utf8");
const secret = "d41d8cd98f00b204e9800998ecf8427e";

let brokers: RabbitCluster;
let databases: Server[];
let env: ReturnType<typeof clusterEnv>;
let nodes: Node[];

beforeAll(async () => {
  [brokers, ...databases] = await Promise.all([
    startRabbitCluster(),
    ...services.map(() => startMongo({ auth: true })),
  ]);
  for (const name of serviceNames) await addBrokerUser(name);
  for (const [n, name] of services.entries()) await addDatabaseUser(databases[n]!, name);
  env = clusterEnv("", "");
  nodes = await Promise.all(serviceNames.map(start));
}, SERVER_START);
afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.end()));
  await Promise.all([brokers?.stop(), ...(databases ?? []).map((server) => server.stop())]);
}, 60_000);

const brokerUrl = (name: string) => brokers.urls[0]!.replace("guest:guest", `${name}:${secret}`);
const databaseUrl = (name: string, user = "souk") => {
  const { host } = new URL(databases[services.indexOf(name as (typeof services)[number])]!.url);
  return `mongodb://${user}:${secret}@${host}/souk-${name}?authSource=admin`;
};

/** Does what RabbitMQ does with deploy/rabbitmq.conf when its volume is new. */
async function addBrokerUser(name: string): Promise<void> {
  const [configure, write, read] = ["configure", "write", "read"].map(
    (right) =>
      deploy("rabbitmq.conf").match(
        new RegExp(`^default_users\\.${name}\\.${right} = (.+)$`, "m"),
      )![1]!,
  );
  await brokers.ctl(1, "add_user", name, secret);
  await brokers.ctl(1, "set_permissions", name, configure!, write!, read!);
}

/** Does what the image of MongoDB does when its volume is new. */
async function addDatabaseUser({ url }: Server, name: string): Promise<void> {
  await using first = await new MongoClient(url).connect();
  await first.db("admin").command({ createUser: "root", pwd: secret, roles: ["root"] });
  await using root = await new MongoClient(databaseUrl(name, "root")).connect();
  let made: Promise<unknown> | undefined;
  runInNewContext(deploy("mongo-user.js"), {
    process: { env: { SOUK_PASSWORD: secret, SOUK_DATABASE: `souk-${name}` } },
    db: {
      getSiblingDB: (database: string) => ({
        createUser: ({ user, ...rest }: Document) =>
          (made = root.db(database).command({ createUser: user, ...rest })),
      }),
    },
  });
  await made;
}

const start = (name: string) =>
  startNode([name], {
    ...envOf(name, env),
    NAMESPACE: undefined,
    AMQP_URL: brokerUrl(name),
    ...Object.fromEntries(
      services.map((owner) => [`${owner.toUpperCase()}_MONGO_URL`, databaseUrl(owner)]),
    ),
  });

describe("the accounts of the services", () => {
  it("suffice for a whole sale, and no server refuses anything", async () => {
    const { api } = nodes[serviceNames.indexOf("api")]!;
    await eventually(async () => expect((await fetch(`${api}/health/ready`)).status).toBe(200), {
      within: 60_000,
    });
    const [seller, buyer] = [await Client.registered(api), await Client.registered(api)];
    const { id, price } = await seller.offer();
    expect((await buyer.call("POST", `/market/buy/${id}`, { price })).status).toBe(200);
    await eventually(
      async () => {
        const { body } = await seller.call<{ notifications: Notification[] }>(
          "GET",
          "/notifications",
        );
        expect(body.notifications).toHaveLength(1);
      },
      { within: 20_000 },
    );
    for (const node of nodes) expect(node.output()).not.toMatch(/REFUSED|not authorized/i);
  }, 100_000);

  const attempts: [string, (channel: Channel, queue: string) => Promise<unknown>][] = [
    ["declare queues of another service", (channel) => channel.assertQueue("MOL.2.users-x.1")],
    ["read queues of another service", (channel, queue) => channel.consume(queue, () => {})],
    ["delete queues of another service", (channel, queue) => channel.deleteQueue(queue)],
    ["purge queues of another service", (channel, queue) => channel.purgeQueue(queue)],
    ["declare other exchanges", (channel) => channel.assertExchange("MOL.2.other", "direct")],
    ["declare other queues", (channel) => channel.assertQueue("other")],
  ];
  it.each(attempts)("in RabbitMQ may not %s", async (_what, attempt) => {
    const queue = (await brokers.ctl(1, "list_queues", "name"))
      .split("\n")
      .find((name) => name.startsWith("MOL.2.users-"));
    expect(queue).toBeDefined();
    const connection = await connect(brokerUrl("market"));
    const channel = await connection.createChannel();
    channel.on("error", () => {});
    await expect(attempt(channel, queue!)).rejects.toThrow(/ACCESS_REFUSED/);
    await connection.close();
  });

  it.each(services)("in MongoDB may use only the database of %s", async (name) => {
    await using client = await new MongoClient(databaseUrl(name)).connect();
    await client.db().collection("tries").insertOne({ a: 1 });
    await client.db().dropCollection("tries");
    const refused = { message: expect.stringMatching(/not authorized|requires authentication/i) };
    await expect(client.db("other").collection("tries").insertOne({})).rejects.toMatchObject(
      refused,
    );
    await expect(
      client.db("admin").collection("system.users").find().toArray(),
    ).rejects.toMatchObject(refused);
    await expect(
      client.db().command({ createUser: "x", pwd: secret, roles: [] }),
    ).rejects.toMatchObject(refused);
  });

  it.each(["", "/", "/admin", "/?authSource=admin", "/other?authSource=admin"])(
    "in MongoDB are looked up where the driver alone looks, at a URL that ends with %j",
    async (end) => {
      const url = databaseUrl("market", "root").replace(/(\/\/[^/]*)\/.*$/, `$1${end}`);
      await using alone = await new MongoClient(url).connect();
      await alone.db("souk-market").command({ ping: 1 });
      const what = { name: "tries", document: Type.Object({ _id: Type.String() }), indexes: [] };
      const store = new MongoStore(url, what, "souk-market");
      await store.connect();
      await store.ping();
      expect(store.collection.dbName).toBe("souk-market");
      await store.disconnect();
    },
  );
});
