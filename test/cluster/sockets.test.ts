/** Sockets of one user on two nodes, through outages of RabbitMQ and MongoDB. */
import { randomUUID } from "node:crypto";
import { MongoClient } from "mongodb";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import type { Inbox } from "../../contracts/notifications.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { newNotice } from "../../domain/inbox.ts";
import { Device } from "../support/device.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { SERVER_START, startMongo, startRabbit, type Server } from "../../bin/processes/servers.ts";
import { tokenOf } from "../support/tokens.ts";

const names = ["near", "far"];
let rabbit: Server;
let mongo: Server;
let env: ReturnType<typeof clusterEnv>;
let nodes: Node[];
let broker: ServiceBroker;
let database: MongoClient;
const devices: Device[] = [];

beforeAll(async () => {
  [rabbit, mongo] = await Promise.all([startRabbit(), startMongo()]);
  env = clusterEnv(rabbit.url, mongo.url);
  nodes = await Promise.all(
    names.map((name) =>
      startNode(["notifications"], { ...env, AUTH_PRIVATE_JWK: undefined, NODE_ID: name }),
    ),
  );
  broker = new ServiceBroker({
    ...brokerDefaults,
    nodeID: "test",
    namespace: env.NAMESPACE,
    transporter: amqp(rabbit.url),
    logger: false,
  });
  await broker.start();
  await bothAvailable();
  database = new MongoClient(env.NOTIFICATIONS_MONGO_URL);
}, SERVER_START);

afterAll(async () => {
  for (const device of devices) device.close();
  await database?.close();
  await broker?.stop();
  await Promise.all((nodes ?? []).map((node) => node.end()));
  await Promise.all([rabbit?.stop(), mongo?.stop()]);
}, 60_000);

const bothAvailable = () =>
  eventually(() => names.every((name) => broker.registry.nodes.get(name)?.available), {
    within: 15_000,
  });

async function connect(userId: string, node: Node): Promise<Device> {
  const key = JSON.parse(Buffer.from(env.AUTH_PRIVATE_JWK, "base64url").toString());
  const device = new Device(node.sockets, await tokenOf(key, userId));
  devices.push(device);
  return device.connects();
}

/** A socket on each node that has received its inbox. */
async function pair(userId: string): Promise<Device[]> {
  const both = await Promise.all(nodes.map((node) => connect(userId, node)));
  for (const device of both) await device.receives("inbox");
  return both;
}

const notify = (userId: string, id = randomUUID(), nodeID = "near") =>
  broker.call<{ ok: true; id: string }, object>(
    "notifications.notify",
    { id, userId, text: "Item #1 was sold!" },
    { nodeID },
  );
const inbox = (userId: string) =>
  broker.call<Inbox, object>("notifications.inbox", {}, { meta: { user: { id: userId } } });
const shownBy = (device: Device) => device.received("notification").map(({ id }) => id);

/** Stores a notice like a node whose broadcast was lost. */
async function storeWithoutBroadcast(userId: string): Promise<string> {
  const notice = newNotice({ userId, text: "Item #1 was sold!" }, randomUUID(), new Date());
  await database.db().collection<NoticeDocument>("notifications").insertOne(notice);
  return notice.id;
}

it("emits a notice once to every socket of the user on every node", async () => {
  const user = randomUUID();
  const both = await pair(user);

  const { id } = await notify(user);

  for (const device of both) await device.shows(id, 2000);
  const marker = await notify(user, undefined, "far");
  for (const device of both) {
    await device.shows(marker.id, 2000);
    expect(shownBy(device)).toEqual([id, marker.id]);
  }
});

it("emits to the sockets on other nodes what one socket has read", async () => {
  const user = randomUUID();
  const [near, far] = (await pair(user)) as [Device, Device];
  const { id } = await notify(user);

  expect(await near.ask("read", { ids: [id] })).toEqual({ ids: [id], unread: 0 });

  expect(await far.receives("read", 1, 2000)).toEqual({ ids: [id], unread: 0 });
  expect(await far.ask("read", { all: true })).toEqual({ all: true, unread: 0 });
  expect(await near.receives("read", 1, 2000)).toEqual({ all: true, unread: 0 });
  expect(far.received("read")).toHaveLength(1);
});

it("stores a notice once when several nodes receive it at once", async () => {
  const [user, id] = [randomUUID(), randomUUID()];

  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => notify(user, id, names[n % 2])),
  );

  for (const answer of answers) expect(answer).toEqual({ ok: true, id });
  expect(await inbox(user)).toMatchObject({ unread: 1, notifications: [{ id }], nextCursor: null });
});

it("closes a revoked session's sockets on every node", async () => {
  const user = randomUUID();
  const sid = randomUUID();
  const key = JSON.parse(Buffer.from(env.AUTH_PRIVATE_JWK, "base64url").toString());
  const both = await Promise.all(
    nodes.map(async (node) =>
      new Device(node.sockets, await tokenOf(key, user, { sid })).connects(),
    ),
  );

  await broker.broadcast("users.sessionEnded", {
    sid,
    userId: user,
    until: new Date(Date.now() + 900_000).toISOString(),
  });

  for (const device of both) {
    await device.receives("closing");
    await eventually(() => expect(device.disconnects).toEqual(["io server disconnect"]));
  }
});

describe("while RabbitMQ is down", () => {
  it("sockets stay open and receive missed notices; once it is back, immediately", async () => {
    const user = randomUUID();
    const both = await pair(user);
    const first = await notify(user);
    for (const device of both) await device.shows(first.id);
    await rabbit.kill();

    const missed = await storeWithoutBroadcast(user);
    for (const device of both) await device.shows(missed, 35_000);

    const last = await storeWithoutBroadcast(user);
    await rabbit.restart();
    await bothAvailable();
    for (const device of both) await device.shows(last, 3000);

    const marker = await notify(user);
    for (const device of both) {
      await device.shows(marker.id);
      expect(shownBy(device)).toEqual([first.id, missed, last, marker.id]);
      expect(device.disconnects).toEqual([]);
    }
  }, 90_000);
});

describe("while its database is down", () => {
  it("a socket is accepted, sees no internal errors, and receives its inbox once the database is back", async () => {
    const user = randomUUID();
    const { id } = await notify(user);
    await mongo.kill();

    const device = await connect(user, nodes[0]!);

    expect(await device.ask("read", { all: true })).toEqual({
      ok: false,
      code: "UNAVAILABLE",
      detail: "Not available at the moment",
    });
    await expect(notify(user)).rejects.toMatchObject({ type: "UNAVAILABLE", code: 503 });
    expect(device.events).toEqual([]);
    await mongo.restart();
    expect(await device.receives("inbox", 1, 20_000)).toMatchObject({
      unread: 1,
      notifications: [{ id }],
    });
    expect(device.disconnects).toEqual([]);
  }, 60_000);
});
