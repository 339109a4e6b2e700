/** What an operator may do to RabbitMQ while connections stay up. Each node notices by itself, and says it. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { brokerState } from "../../broker/amqp/reachability.ts";
import type { Session } from "../../broker/amqp/session.ts";
import { amqp, brokerDefaults, type ResilientAmqp } from "../../broker/amqp/transporter.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startRabbitCluster, type RabbitCluster } from "../../bin/processes/rabbit-cluster.ts";
import { SERVER_START } from "../../bin/processes/servers.ts";
import { linesOf } from "../support/log-lines.ts";

let brokers: RabbitCluster;
let namespace: string;
let lines: string[];
const closing: (() => Promise<unknown>)[] = [];
/** Generous: a node notices within ten seconds. */
const within = 40_000;

beforeAll(async () => void (brokers = await startRabbitCluster()), SERVER_START);
afterAll(() => brokers?.stop());
beforeEach(() => void ([namespace, lines] = [randomUUID(), []]));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(nodeID: string, url: string): Promise<ServiceBroker> {
  const broker = new ServiceBroker({
    ...brokerDefaults,
    nodeID,
    namespace,
    transporter: amqp(url),
    logger: linesOf(lines),
    registry: { stopDelay: 0 },
    skipProcessEventRegistration: true,
  });
  broker.createService({ name: nodeID, actions: { ask: () => nodeID } });
  closing.push(() => broker.stop());
  await broker.start();
  return broker;
}

/** Two nodes that know each other. */
async function pair(url = brokers.urls[0]!): Promise<[ServiceBroker, ServiceBroker]> {
  const [a, b] = await Promise.all([start("a", url), start("b", url)]);
  await a.waitForServices("b", 10_000, 20);
  await b.waitForServices("a", 10_000, 20);
  return [a, b];
}

const sessionOf = (broker: ServiceBroker): Session =>
  (broker.transit!.tx as ResilientAmqp).session!;
const exchange = (path: string) => `MOL-${namespace}.2.${path}`;
const noticed = (pattern: RegExp) =>
  eventually(() => expect(lines.join("\n")).toMatch(pattern), { within });

async function worksAgain(a: ServiceBroker, b: ServiceBroker): Promise<void> {
  await eventually(() => expect([a, b].map(brokerState)).toEqual(["up", "up"]), { within });
  await eventually(async () => expect(await a.call("b.ask")).toBe("b"), { within });
  await eventually(async () => expect(await b.call("a.ask")).toBe("a"), { within });
}

describe("is noticed, logged and repaired:", () => {
  const deletions: [string, (session: Session) => Promise<unknown>, RegExp][] = [
    ...["requests", "packets", "broadcasts"].map(
      (path): [string, (session: Session) => Promise<unknown>, RegExp] => [
        `the exchange for ${path} is deleted`,
        async ({ connection }) => (await connection.createChannel()).deleteExchange(exchange(path)),
        /Lost the connection to RabbitMQ: (NOT_FOUND - no exchange|the exchange .* does not lead to)/,
      ],
    ),
    [
      "the binding of requests is deleted",
      async ({ connection, queues }) =>
        (await connection.createChannel()).unbindExchange(
          queues.requests,
          exchange("requests"),
          "b",
        ),
      /the exchange .*\.requests does not lead to this node/,
    ],
    [
      "the binding of packets is deleted",
      async ({ connection, queues }) =>
        (await connection.createChannel()).unbindExchange(queues.packets, exchange("packets"), "b"),
      /the exchange .*\.packets does not lead to this node/,
    ],
    [
      "the binding of broadcasts is deleted",
      async ({ connection, queues }) =>
        (await connection.createChannel()).unbindExchange(
          ...([queues.packets, exchange("broadcasts"), ""] as const),
          { "x-match": "any", to: "all", node: "b" },
        ),
      /the exchange .*\.broadcasts does not lead to this node/,
    ],
    ...(["requests", "packets"] as const).map(
      (path): [string, (session: Session) => Promise<unknown>, RegExp] => [
        `the exchange in front of the queue for ${path} is deleted`,
        async ({ connection, queues }) =>
          (await connection.createChannel()).deleteExchange(queues[path]),
        /the exchange .* does not lead to this node/,
      ],
    ),
    [
      "a queue is deleted",
      async ({ connection, queues }) =>
        (await connection.createChannel()).deleteQueue(queues.packets).catch(() => null),
      /a queue of this node was deleted/,
    ],
    [
      "all connections are closed",
      () => brokers.ctl(1, "close_all_connections", "maintenance"),
      /Lost the connection to RabbitMQ: CONNECTION_FORCED - maintenance/,
    ],
  ];

  it.each(deletions)(
    "%s",
    async (_kind, change, line) => {
      const [a, b] = await pair();

      await change(sessionOf(b));

      await noticed(line);
      await worksAgain(a, b);
    },
    120_000,
  );
});

describe("makes a node unready until it is undone, and is logged:", () => {
  it.each([
    '{"message-ttl":0}',
    '{"max-length":0}',
    '{"max-length":33}',
    '{"max-length":200}',
    '{"max-length":100,"overflow":"reject-publish"}',
    '{"max-length-bytes":1000,"overflow":"reject-publish"}',
    '{"expires":1}',
  ])(
    "the policy %s",
    async (policy) => {
      const [a, b] = await pair();

      await brokers.ctl(1, "set_policy", "--apply-to", "queues", namespace, namespace, policy);
      closing.push(() => brokers.ctl(1, "clear_policy", namespace).catch(() => null));
      await noticed(/was dropped: the queue was purged, or a policy drops messages/);
      expect([a, b].map(brokerState)).toContain("unrouted");

      await brokers.ctl(1, "clear_policy", namespace);
      await worksAgain(a, b);
    },
    120_000,
  );

  it.each([
    ["write", ["^MOL", "^$", "^MOL"]],
    ["configure", ["^$", "^MOL", "^MOL"]],
    ["read", ["^MOL", "^MOL", "^$"]],
  ])(
    "the permission to %s is revoked",
    async (_kind, permissions) => {
      const { vhost, url } = await ownVhost();
      const [a, b] = await pair(url);

      await brokers.ctl(1, "set_permissions", "-p", vhost, vhost, ...permissions);
      await noticed(/ACCESS_REFUSED/);
      await eventually(() => expect(brokerState(b)).not.toBe("up"), { within });

      await brokers.ctl(1, "set_permissions", "-p", vhost, vhost, "^MOL-.*", "^MOL-.*", "^MOL-.*");
      await worksAgain(a, b);
    },
    120_000,
  );

  it("the number of the user's channels is limited, in whole sentences", async () => {
    const { vhost, url } = await ownVhost();
    const [, b] = await pair(url);

    await brokers.ctl(1, "set_user_limits", vhost, '{"max-channels":1}');
    sessionOf(b).drop("it is renewed");
    await noticed(/Cannot use RabbitMQ at amqp:.*: NOT_ALLOWED - number of channels opened/);
    expect(lines.filter((line) => /Channel ended|keeps trying/.test(line)).join("\n")).not.toMatch(
      /Channel ended|[^.] The node keeps/,
    );

    await brokers.ctl(1, "clear_user_limits", vhost, "max-channels");
    await eventually(() => expect(brokerState(b)).toBe("up"), { within });
  }, 120_000);

  it("the user is deleted", async () => {
    const { vhost, url, addUser } = await ownVhost();
    const [a, b] = await pair(url);

    await brokers.ctl(1, "delete_user", vhost);
    await noticed(/Lost the connection to RabbitMQ: /);
    await noticed(/Cannot connect to RabbitMQ .*ACCESS_REFUSED/);
    const lost = ["disconnected", "disconnected"];
    await eventually(() => expect([a, b].map(brokerState)).toEqual(lost), { within });

    await addUser();
    await worksAgain(a, b);
  }, 120_000);

  it("the virtual host is deleted", async () => {
    const { vhost, url, addUser } = await ownVhost();
    const [a, b] = await pair(url);

    await brokers.ctl(1, "delete_vhost", vhost);
    await noticed(/Lost the connection to RabbitMQ: /);
    await eventually(() => expect(brokerState(b)).toBe("disconnected"), { within });

    await brokers.ctl(1, "delete_user", vhost);
    await brokers.ctl(1, "add_vhost", vhost);
    await addUser();
    await worksAgain(a, b);
  }, 120_000);

  // rabbitmqctl's own limits do nothing on a machine whose memory RabbitMQ cannot measure.
  it.each(["memory", "disk"])(
    "an alarm of %s",
    async (resource) => {
      const [a, b] = await pair();
      const alarm = `{{resource_limit, ${resource}, node()}, []}`;
      const end = () => brokers.ctl(1, "eval", `rabbit_alarm:clear_alarm(element(1, ${alarm})).`);
      closing.push(end);

      await brokers.ctl(1, "eval", `rabbit_alarm:set_alarm(${alarm}).`);
      await noticed(new RegExp(`RabbitMQ has an alarm \\(low on ${resource}\\)`));
      await eventually(() => expect([a, b].map(brokerState)).toEqual(["blocked", "blocked"]), {
        within,
      });
      const asked = performance.now();
      await expect(a.call("b.ask")).rejects.toMatchObject({
        type: expect.stringMatching(/SERVICE_NOT_/),
      });
      expect(performance.now() - asked).toBeLessThan(1000);

      await end();
      await eventually(() => expect(brokerState(a)).toBe("up"), { within });
      await worksAgain(a, b);
    },
    120_000,
  );
});

it("a policy by which messages expire after requests do changes nothing", async () => {
  const [a, b] = await pair();
  const policy = '{"message-ttl":6000}';
  await brokers.ctl(1, "set_policy", "--apply-to", "queues", namespace, namespace, policy);
  closing.push(() => brokers.ctl(1, "clear_policy", namespace));

  // Messages that waited have expired twice.
  const until = performance.now() + 20_000;
  await eventually(() => expect(performance.now()).toBeGreaterThan(until), { within, every: 500 });

  expect([a, b].map(brokerState)).toEqual(["up", "up"]);
  expect(lines.join("\n")).not.toMatch(/was dropped/);
}, 120_000);

/** A virtual host, and a user of the same name with the permissions that docs/deploy.md names. */
async function ownVhost() {
  const vhost = `v-${namespace.slice(0, 8)}`;
  const password = randomUUID();
  const addUser = async () => {
    await brokers.ctl(1, "add_user", vhost, password);
    const own = `^MOL-${namespace}\\..*`;
    await brokers.ctl(1, "set_permissions", "-p", vhost, vhost, own, own, own);
  };
  await brokers.ctl(1, "add_vhost", vhost);
  await addUser();
  const { host } = new URL(brokers.urls[0]!);
  return { vhost, addUser, url: `amqp://${vhost}:${password}@${host}/${vhost}` };
}
