import { eventually } from "../processes/eventually.ts";
import { clusterEnv, envOf } from "../processes/cluster-env.ts";
import { startNode, type Node } from "../processes/node-process.ts";
import { sharedRabbit, startMongo, type Server, type Shared } from "../processes/servers.ts";
import { connect, hold, refusal, say, signIn, signUp, type Device } from "./steps.ts";

/**
 * The story of two outages, on a private cluster of real processes: RabbitMQ, two MongoDB servers and the four services. The servers
 * are started by RABBITMQ_SERVER and MONGOD, as in the tests; RabbitMQ, which nobody kills here, may also be the one at AMQP_URL.
 */
export async function outage(): Promise<void> {
  say("Starting RabbitMQ, two MongoDB servers and the four services…");
  const servers = await Promise.all([sharedRabbit(), startMongo(), startMongo()]);
  const nodes = new Map<string, Node>();
  const devices: Device[] = [];
  try {
    await tell(...servers, nodes, devices);
  } finally {
    for (const device of devices) device.close();
    await Promise.all([...nodes.values()].map((node) => node.end()));
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function tell(
  rabbit: Shared,
  mongo: Server,
  usersMongo: Server,
  nodes: Map<string, Node>,
  devices: Device[],
) {
  const env = {
    ...clusterEnv(rabbit.url, mongo.url),
    USERS_MONGO_URL: `${usersMongo.url}/users`,
    LOG_LEVEL: "fatal",
  };
  const start = async (name: string, more = {}) =>
    void nodes.set(
      name,
      await startNode([name], { ...envOf(name, env), LOG_LEVEL: "fatal", ...more }),
    );
  await Promise.all(["api", "market", "notifications", "users"].map((name) => start(name)));
  const [api, sockets] = [nodes.get("api")!.api, nodes.get("notifications")!.sockets];
  const ready = async () => (await fetch(`${api}/health/ready`)).status === 200;
  await eventually(ready, { within: 15_000 });
  say("All of it is ready.");

  const place = { url: api, socketUrl: sockets };
  const [seller, buyer] = [await signUp(place, "Selma"), await signUp(place, "Bilal")];
  const phone = await connect(seller);
  devices.push(phone);
  const lamps: string[] = [];
  while (lamps.length < 4) lamps.push((await seller.offer({ title: "A lamp", price: 4_200 })).id);
  say("Selma offers four lamps, and her phone is connected.");

  await nodes.get("notifications")!.end("SIGKILL");
  say("notifications is killed.");
  hold((await buyer.items()).items.length === 4, "The shop goes on: the items are listed.");
  const sales: string[] = [];
  for (const [n, lamp] of lamps.slice(0, 3).entries()) {
    const bought = await buyer.buy(lamp);
    sales.push(bought.saleId);
    hold(bought.ok, `Bilal buys lamp ${n + 1}: ${JSON.stringify(bought)}`);
  }
  const { status, code } = await refusal(seller.read({ all: true }));
  hold(status === 503, `Selma's inbox is out of reach: ${status} ${code}.`);

  await start("notifications", { SOCKET_PORT: new URL(sockets).port });
  const back = performance.now();
  say("notifications is back.");
  const told = [(await phone.next()).id, (await phone.next()).id, (await phone.next()).id];
  const isAll = told.toSorted().join() === sales.toSorted().join();
  hold(
    isAll,
    `Selma's phone, which reconnected by itself, shows all three sales (${(performance.now() - back).toFixed(0)} ms after).`,
  );
  const { unread } = await seller.notifications();
  hold(unread === 3, `Her inbox has each of them once: ${unread} unread.`);

  await usersMongo.kill();
  say("The database of users is killed.");
  hold((await buyer.items()).items.length === 4, "Browsing goes on.");
  const bought = await buyer.buy(lamps[3]!);
  hold(bought.ok, `Buying goes on, with the token Bilal has: ${JSON.stringify(bought)}`);
  const { text, id } = await phone.next();
  hold(id === bought.saleId, `Selma's phone shows: "${text}".`);
  const refused = await refusal(signIn(place, "Selma"));
  hold(refused.status === 503, `Signing in does not: ${refused.status} ${refused.code}.`);

  await usersMongo.restart();
  const restored = performance.now();
  say("The database of users is back.");
  await eventually(() => signIn(place, "Selma"), { within: 10_000 });
  say(`Signing in works again (${(performance.now() - restored).toFixed(0)} ms after).`);
}
