import type { Souk } from "../../client/index.ts";
import { serviceNames } from "../../contracts/actions.ts";
import { eventually } from "../processes/eventually.ts";
import { clusterEnv, envOf } from "../processes/cluster-env.ts";
import { startNode, type Node } from "../processes/node-process.ts";
import { sharedRabbit, startMongo, type Server, type Shared } from "../processes/servers.ts";
import { check, connect, refusal, say, signIn, signUp, type Device, type Market } from "./steps.ts";

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
    const [rabbit, mongo, usersMongo] = servers;
    const story = await openMarket(rabbit, mongo, usersMongo, nodes, devices);
    await killNotifications(story);
    await killUsersDatabase(story, usersMongo);
  } finally {
    for (const device of devices) device.close();
    await Promise.all([...nodes.values()].map((node) => node.end()));
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** The people, their devices and the items of the story. */
interface Story {
  market: Market;
  seller: Souk;
  buyer: Souk;
  phone: Device;
  items: string[];
  /** Starts a service in a process of its own. */
  start(service: string, env?: Record<string, string>): Promise<void>;
  kill(service: string): Promise<void>;
}

async function openMarket(
  rabbit: Shared,
  mongo: Server,
  usersMongo: Server,
  nodes: Map<string, Node>,
  devices: Device[],
): Promise<Story> {
  const env = {
    ...clusterEnv(rabbit.url, mongo.url),
    USERS_MONGO_URL: `${usersMongo.url}/users`,
  };
  const start: Story["start"] = async (name, more = {}) => {
    const own = { ...envOf(name, env), LOG_LEVEL: "fatal", ...more };
    nodes.set(name, await startNode([name], own));
  };
  await Promise.all(serviceNames.map((name) => start(name)));
  const market = { url: nodes.get("api")!.api, socketUrl: nodes.get("notifications")!.sockets };
  const ready = async () => (await fetch(`${market.url}/health/ready`)).status === 200;
  await eventually(ready, { within: 15_000 });
  say("Everything is ready.");

  const [seller, buyer] = [await signUp(market, "Selma"), await signUp(market, "Bilal")];
  const phone = await connect(seller);
  devices.push(phone);
  const items: string[] = [];
  while (items.length < 4) items.push((await seller.offer({ title: "A lamp", price: 4_200 })).id);
  say("Selma offers four lamps, and her phone is connected.");
  const kill = async (name: string) => void (await nodes.get(name)!.end("SIGKILL"));
  return { market, seller, buyer, phone, items, start, kill };
}

async function killNotifications(story: Story): Promise<void> {
  const { market, seller, buyer, phone, items } = story;
  await story.kill("notifications");
  say("notifications is killed.");
  check((await buyer.items()).items.length === 4, "Browsing still works: the items are listed.");
  const sales: string[] = [];
  for (const [n, lamp] of items.slice(0, 3).entries()) {
    const bought = await buyer.buy(lamp);
    sales.push(bought.saleId);
    check(bought.ok, `Bilal buys lamp ${n + 1}: ${JSON.stringify(bought)}`);
  }
  const { status, code } = await refusal(seller.read({ all: true }));
  check(status === 503, `Selma's inbox is unavailable: ${status} ${code}.`);

  await story.start("notifications", { SOCKET_PORT: new URL(market.socketUrl).port });
  const restarted = performance.now();
  say("notifications is running again.");
  const shown = [(await phone.next()).id, (await phone.next()).id, (await phone.next()).id];
  const isAll = shown.toSorted().join() === sales.toSorted().join();
  const elapsed = (performance.now() - restarted).toFixed(0);
  check(
    isAll,
    `Selma's phone reconnects by itself and shows all three sales (${elapsed} ms later).`,
  );
  const { unread } = await seller.notifications();
  check(unread === 3, `Her inbox has each of them once: ${unread} unread.`);
}

async function killUsersDatabase(story: Story, usersMongo: Server): Promise<void> {
  const { market, buyer, phone, items } = story;
  await usersMongo.kill();
  say("The database of users is killed.");
  check((await buyer.items()).items.length === 4, "Browsing still works.");
  const bought = await buyer.buy(items[3]!);
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
