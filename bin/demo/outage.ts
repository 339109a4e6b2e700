import { eventually } from "../processes/eventually.ts";
import { clusterEnv, envOf } from "../processes/cluster-env.ts";
import { startNode, type Node } from "../processes/node-process.ts";
import { sharedRabbit, startMongo, type Server, type Shared } from "../processes/servers.ts";
import { check, connect, refusal, say, signIn, signUp, type Device } from "./steps.ts";

/**
 * Two outages, on a private cluster of processes: RabbitMQ, two MongoDB servers and the four services. RABBITMQ_SERVER
 * and MONGOD start the servers, as in the tests; RabbitMQ may also be the one at AMQP_URL. Throws when a step does not
 * hold.
 */
export async function outage(): Promise<void> {
  say("Starting RabbitMQ, two MongoDB servers and the four services…");
  const servers = await Promise.all([sharedRabbit(), startMongo(), startMongo()]);
  const nodes = new Map<string, Node>();
  const devices: Device[] = [];
  try {
    await run(...servers, nodes, devices);
  } finally {
    for (const device of devices) device.close();
    await Promise.all([...nodes.values()].map((node) => node.end()));
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function run(
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
  say("Everything is ready.");

  const market = { url: api, socketUrl: sockets };
  const [seller, buyer] = [await signUp(market, "Selma"), await signUp(market, "Bilal")];
  const phone = await connect(seller);
  devices.push(phone);
  const lamps: string[] = [];
  while (lamps.length < 4) lamps.push((await seller.offer({ title: "A lamp", price: 4_200 })).id);
  say("Selma offers four lamps, and her phone is connected.");

  await nodes.get("notifications")!.end("SIGKILL");
  say("notifications is killed.");
  check((await buyer.items()).items.length === 4, "Browsing still works: the items are listed.");
  const sales: string[] = [];
  for (const [n, lamp] of lamps.slice(0, 3).entries()) {
    const bought = await buyer.buy(lamp);
    sales.push(bought.saleId);
    check(bought.ok, `Bilal buys lamp ${n + 1}: ${JSON.stringify(bought)}`);
  }
  const { status, code } = await refusal(seller.read({ all: true }));
  check(status === 503, `Selma's inbox is unavailable: ${status} ${code}.`);

  await start("notifications", { SOCKET_PORT: new URL(sockets).port });
  const restarted = performance.now();
  say("notifications is running again.");
  const shown = [(await phone.next()).id, (await phone.next()).id, (await phone.next()).id];
  const isAll = shown.toSorted().join() === sales.toSorted().join();
  check(
    isAll,
    `Selma's phone reconnects by itself and shows all three sales (${(performance.now() - restarted).toFixed(0)} ms later).`,
  );
  const { unread } = await seller.notifications();
  check(unread === 3, `Her inbox has each of them once: ${unread} unread.`);

  await usersMongo.kill();
  say("The database of users is killed.");
  check((await buyer.items()).items.length === 4, "Browsing still works.");
  const bought = await buyer.buy(lamps[3]!);
  check(bought.ok, `Buying still works, with the token that Bilal has: ${JSON.stringify(bought)}`);
  const { text, id } = await phone.next();
  check(id === bought.saleId, `Selma's phone shows: "${text}".`);
  const refused = await refusal(signIn(market, "Selma"));
  check(refused.status === 503, `Signing in fails: ${refused.status} ${refused.code}.`);

  await usersMongo.restart();
  const restored = performance.now();
  say("The database of users is running again.");
  await eventually(() => signIn(market, "Selma"), { within: 10_000 });
  say(`Signing in works again (${(performance.now() - restored).toFixed(0)} ms later).`);
}
