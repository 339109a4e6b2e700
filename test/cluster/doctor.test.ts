/** `npm run doctor` on a cluster of which everything is broken, one thing after the other. */
import { MongoClient, type Collection } from "mongodb";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import { freePort } from "../../bin/processes/free-port.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { startRabbitCluster, type RabbitCluster } from "../../bin/processes/rabbit-cluster.ts";
import { SERVER_START, sharedMongo, type Shared } from "../../bin/processes/servers.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { newOutbox } from "../../domain/outbox.ts";
import { doctor } from "../support/doctor.ts";

type Stored = { _id: string; outbox?: unknown };
let brokers: RabbitCluster;
let mongo: Shared;
let env: ReturnType<typeof clusterEnv>;
let client: MongoClient;
let items: Collection<Stored>;
const nodes: Node[] = [];
/** The doctor's own limit, and ten times what the machine's load may add. */
const timeout = 240_000;

beforeAll(async () => {
  [brokers, mongo] = await Promise.all([startRabbitCluster(), sharedMongo()]);
  env = clusterEnv(brokers.urls.join(","), mongo.url);
  for (const names of [["market"], ["users"], ["notifications", "deliveries"], ["api"]])
    nodes.push(
      await startNode(names, {
        ...env,
        ...(names[0] !== "users" && { AUTH_PRIVATE_JWK: undefined }),
      }),
    );
  client = new MongoClient(env.MARKET_MONGO_URL);
  items = client.db().collection<Stored>("items");
}, SERVER_START);
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.end("SIGKILL")));
  await client?.close();
  await Promise.all([brokers?.stop(), mongo?.stop()]);
}, 60_000);

it(
  "finds nothing wrong with a cluster that is well",
  async () => {
    const { lines, code } = await doctor(env);
    expect(lines.filter((line) => line.startsWith("wrong"))).toEqual([]);
    expect(code).toBe(0);
    const text = lines.join("\n");
    expect(text).toMatch(/ok RabbitMQ amqp:\/\/…@127.0.0.1:\d+ is RabbitMQ 4\./);
    expect(text).toMatch(/ok nodes market-\S+ runs market, version \d+\.\d+\.\d+\./);
    expect(text).toMatch(/ok nodes users on users-\S+ is ready/);
    expect(text).toMatch(
      /ok market's database items has the \d+ indexes of this version, and no other/,
    );
    expect(text).toMatch(/unknown RabbitMQ The management API cannot be asked/);
    expect(text).toContain("Nothing is wrong that could be checked.");
  },
  timeout,
);

it(
  "names every fault of a broken cluster, and exits with 1",
  async () => {
    await items.dropIndex("soldAt_1__id_1");
    await items.createIndex({ saleId: 1 }, { unique: true, sparse: true });
    await items.dropIndex("price_1__id_1");
    await items.createIndex({ price: 1, _id: 1 }, { sparse: true });
    await items.createIndex({ title: 1 });
    const now = new Date(Date.now() - 7_200_000);
    const long = newOutbox({ notice: now } as never, { claim: "none", now });
    // Without its node, nobody delivers it.
    await nodes[0]!.end("SIGKILL");
    await items.insertOne({ _id: "late", outbox: long });
    const policy = ["--apply-to", "queues", "drops", "^MOL-", '{"max-length":1}'];
    await brokers.ctl(1, "set_policy", ...policy);
    const other = newKeyPair();
    const rotated = {
      ...env,
      AUTH_JWKS: encode({ keys: [other.public] }),
      AUTH_PRIVATE_JWK: undefined,
    };
    nodes.push(await startNode(["notifications"], { ...rotated, NODE_ID: "rotated" }));

    const settings = {
      ...env,
      PORT: "http",
      USERS_MONGO_URL: `mongodb://127.0.0.1:${await freePort()}/x`,
    };
    const { code, lines, output } = await doctor(settings);
    await brokers.ctl(1, "clear_policy", "drops");
    console.log(output);

    const wrong = lines.filter((line) => line.startsWith("wrong")).join("\n");
    expect(wrong).toMatch(/settings PORT must be a whole number from 0 to 65535; it is "http"/);
    expect(wrong).toMatch(/market's database items: the index of soldAt, _id is missing/);
    expect(wrong).toMatch(/the index saleId_1 is superseded/);
    expect(wrong).toMatch(/the index price_1__id_1 has other options/);
    expect(wrong).toMatch(/1 messages of its outbox are not delivered; the oldest is due since/);
    expect(wrong).toMatch(/users's database 127.0.0.1:\d+ \(x\) cannot be used/);
    expect(wrong).toMatch(
      /RabbitMQ Of 20 messages in a queue, 1 were left .* a policy on \S+ drops messages/,
    );
    expect(wrong).toMatch(/nodes No node offers market/);
    expect(wrong).toMatch(
      /nodes rotated refuses the tokens of users-\S+: AUTH_JWKS there lacks the key/,
    );
    expect(lines.join("\n")).toMatch(
      /note market's database items: the index title_1 is not Souk's/,
    );
    expect(code).toBe(1);
  },
  timeout,
);

it(
  "--fix makes missing indexes, drops superseded and wrong ones, and leaves others alone",
  async () => {
    await doctor(env, ["--fix"]);
    const { lines } = await doctor(env);
    const ofMarket = lines.filter((line) => line.includes("market's database items"));
    expect(ofMarket).toEqual([
      expect.stringMatching(/note market's database items: the index title_1/),
    ]);
    await items.dropIndex("title_1");
  },
  timeout,
);

it(
  "names an alarm of RabbitMQ, and ends",
  async () => {
    const alarm = "{{resource_limit, memory, node()}, []}";
    for (const n of [1, 2, 3]) await brokers.ctl(n, "eval", `rabbit_alarm:set_alarm(${alarm}).`);
    const { lines, code } = await doctor(env);
    for (const n of [1, 2, 3])
      await brokers.ctl(n, "eval", `rabbit_alarm:clear_alarm(element(1, ${alarm})).`);
    expect(lines.join("\n")).toMatch(
      /wrong RabbitMQ A node cannot use .* it has an alarm \(low on memory\)/,
    );
    expect(code).toBe(1);
  },
  timeout,
);

it(
  "says what a user of RabbitMQ may not do",
  async () => {
    await brokers.ctl(1, "add_user", "weak", "a-long-password");
    await brokers.ctl(1, "set_permissions", "weak", "^$", "^MOL", "^MOL");
    const url = new URL(brokers.urls[0]!);
    [url.username, url.password] = ["weak", "a-long-password"];
    const { lines, code } = await doctor({ ...env, AMQP_URL: url.href });
    expect(lines.join("\n")).toMatch(
      /wrong RabbitMQ A node cannot use .* ACCESS_REFUSED.*configure access/,
    );
    expect(code).toBe(1);
  },
  timeout,
);

it(
  "ends within a minute when no server answers, and says so",
  async () => {
    const port = await freePort();
    const nowhere = { ...clusterEnv(`amqp://127.0.0.1:${port}`, `mongodb://127.0.0.1:${port}`) };
    const { code, lines, ms } = await doctor(nowhere);
    const text = lines.join("\n");
    expect(text).toMatch(/wrong RabbitMQ Cannot connect to RabbitMQ at .*ECONNREFUSED/);
    for (const owner of ["market", "notifications", "users"])
      expect(text).toMatch(
        new RegExp(`wrong ${owner}'s database 127.0.0.1:\\d+ .* cannot be used`),
      );
    expect(text).toMatch(/unknown nodes RabbitMQ cannot be used, so no node can be asked/);
    expect(code).toBe(1);
    expect(ms).toBeLessThan(60_000);
  },
  timeout,
);
