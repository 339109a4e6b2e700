/** Deliveries in MongoDB, and a second node that continues after a kill. */
import { fork, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import { SERVER_START, sharedMongo } from "../../bin/processes/servers.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { deliveries, newSecret } from "../support/deliveries.ts";
import { deliveriesPromises } from "../support/deliveries-promises.ts";

const mongo = await sharedMongo();
const database = () =>
  `${mongo.url.replace(/\/$/, "")}/souk-deliveries-${randomUUID().slice(0, 8)}`;
const market = await deliveries({ DELIVERIES_MONGO_URL: database() });
const children: ChildProcess[] = [];
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await market.stop();
  await mongo.stop();
}, 60_000);

describe("deliveries, in MongoDB", () => deliveriesPromises(market));

it(
  "another node sends what a killed node was sending, when its lease has ended",
  async () => {
    const receiver = await market.receiver();
    const env = {
      ...process.env,
      DELIVERIES_MONGO_URL: database(),
      // A node of a cluster ends no leases at its start. Nothing connects to this broker.
      ...{ AMQP_URL: "amqp://localhost", SERVICES: "deliveries" },
      AUTH_JWKS: encode({ keys: [newKeyPair().public] }),
      ...{ RECEIVER: receiver.url, SECRET: newSecret() },
    };
    const program = join(import.meta.dirname, "../support/deliveries-node.ts");
    const start = async () => {
      const child = fork(program, { env, execArgv: [] });
      children.push(child);
      await once(child, "message");
      return child;
    };
    const [first] = [await start(), await start()];
    receiver.answer = () => {};
    first.send({ id: "sale" });
    await eventually(() => expect(receiver.received).toHaveLength(1));
    first.kill("SIGKILL");
    receiver.answer = (response) => response.writeHead(200).end();

    const killedAt = market.now();
    await eventually(() => expect(receiver.received).toHaveLength(2), { within: 90_000 });
    expect(receiver.received[1]!.at - killedAt).toBeGreaterThan(20_000);
    expect(receiver.received.map(({ id }) => id)).toEqual(["sale", "sale"]);
  },
  SERVER_START + 120_000,
);
