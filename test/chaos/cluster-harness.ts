/** A whole cluster under fault: every node and every server a process of its own, and a proxy between each two. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { MongoClient, type Collection } from "mongodb";
import { ServiceBroker } from "moleculer";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { Proxy } from "../support/proxy.ts";
import {
  sharedMongo,
  sharedRabbit,
  startMongo,
  startRabbit,
  type Server,
  type Shared,
} from "../../bin/processes/servers.ts";
import type { Remains } from "./checker.ts";

export const owners = ["market", "notifications", "users"] as const;
export type Owner = (typeof owners)[number];
export type ServiceName = Owner | "api";

/** How many nodes of each service. */
export type Plan = Record<ServiceName, number>;

/** A node that comes back under its name and its addresses, as the same container does. */
export class Member {
  readonly name: string;
  readonly service: ServiceName;
  readonly amqp: Proxy;
  /** Before its database; api has none. */
  readonly mongo: Proxy | undefined;
  declare node: Node;
  readonly #lives: Node[] = [];
  readonly #env: Record<string, string | undefined>;

  constructor(
    name: string,
    service: ServiceName,
    env: Record<string, string | undefined>,
    amqp: Proxy,
    mongo?: Proxy,
  ) {
    [this.name, this.service, this.#env, this.amqp, this.mongo] = [name, service, env, amqp, mongo];
  }

  get proxies(): Proxy[] {
    return this.mongo ? [this.amqp, this.mongo] : [this.amqp];
  }

  get isRunning(): boolean {
    return (
      this.node !== undefined &&
      this.node.child.exitCode === null &&
      this.node.child.signalCode === null
    );
  }

  /** With a clock that is so many ms ahead. */
  async start(clock = 0): Promise<void> {
    const wrong = {
      NODE_OPTIONS: `--import ${join(import.meta.dirname, "clock.ts")}`,
      CLOCK_MS: String(clock),
    };
    if (this.isRunning) return;
    this.node = await startNode([this.service], { ...this.#env, ...(clock && wrong) });
    this.#lives.push(this.node);
  }

  /** The exit code, or the name of the signal. */
  end(signal?: NodeJS.Signals): Promise<number | string> {
    return this.node.end(signal);
  }

  /** The lines with this in them that it printed, in all its lives. */
  lines(text: string): string[] {
    return this.#lives
      .flatMap((life) => life.output().split("\n"))
      .filter((line) => line.includes(text));
  }

  freeze(): void {
    this.node.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.node.child.kill("SIGCONT");
  }
}

interface Servers<S> {
  rabbit: S;
  mongos: Record<Owner, S>;
}

/** A broker and three databases that may be killed. */
export async function ownServers(): Promise<Servers<Server>> {
  const [rabbit, market, notifications, users] = await Promise.all([
    startRabbit(),
    startMongo(),
    startMongo(),
    startMongo(),
  ]);
  return { rabbit, mongos: { market, notifications, users } };
}

/** Those of AMQP_URL and MONGO_URL where these are set: to be left alone. */
export async function sharedServers(): Promise<Servers<Shared>> {
  const [rabbit, mongo] = await Promise.all([sharedRabbit(), sharedMongo()]);
  return { rabbit, mongos: { market: mongo, notifications: mongo, users: mongo } };
}

export class House<S extends Shared = Server> implements Servers<S> {
  readonly rabbit: S;
  readonly mongos: Record<Owner, S>;
  readonly members: Member[] = [];
  readonly env: ReturnType<typeof clusterEnv>;
  readonly #clients: MongoClient[] = [];
  /** A node without services, to call what has no route. */
  readonly broker: ServiceBroker;

  private constructor({ rabbit, mongos }: Servers<S>) {
    [this.rabbit, this.mongos] = [rabbit, mongos];
    this.env = clusterEnv(rabbit.url, "mongodb://127.0.0.1:1");
    this.broker = new ServiceBroker({
      ...brokerDefaults,
      nodeID: "test",
      namespace: this.env.NAMESPACE,
      transporter: amqp(rabbit.url),
      logger: false,
    });
  }

  static async start<S extends Shared>(plan: Plan, servers: Servers<S>): Promise<House<S>> {
    const house = new House(servers);
    for (const service of ["users", "notifications", "market", "api"] as const)
      for (let n = 1; n <= plan[service]; n++) house.members.push(await house.#member(service, n));
    await Promise.all([house.broker.start(), ...house.members.map((member) => member.start())]);
    await house.isWell();
    return house;
  }

  async #member(service: ServiceName, n: number): Promise<Member> {
    const name = `${service}-${n}`;
    const amqp = await Proxy.before(portOf(this.rabbit));
    const mongo = service === "api" ? undefined : await Proxy.before(portOf(this.mongos[service]));
    // Direct: a server that names itself would have its clients come to it past the proxy.
    const database = (owner: Owner) => ({
      [`${owner.toUpperCase()}_MONGO_URL`]: `mongodb://127.0.0.1:${mongo!.port}/${this.#databaseOf(owner)}?directConnection=true`,
    });
    const env = {
      ...this.env,
      AUTH_PRIVATE_JWK: service === "users" ? this.env.AUTH_PRIVATE_JWK : undefined,
      AMQP_URL: `amqp://guest:guest@127.0.0.1:${amqp.port}`,
      ...(service !== "api" && database(service)),
      NODE_ID: name,
      PORT: String(await freePort()),
      SOCKET_PORT: String(await freePort()),
    };
    return new Member(name, service, env, amqp, mongo);
  }

  #databaseOf(owner: Owner): string {
    return `souk-${owner}-${this.env.NAMESPACE}`;
  }

  get(name: string): Member {
    return this.members.find((member) => member.name === name)!;
  }

  of(...services: ServiceName[]): Member[] {
    return this.members.filter(({ service }) => services.includes(service));
  }

  get apis(): string[] {
    return this.of("api").map(({ node }) => node.api);
  }

  /** Past the proxies. */
  get items(): Collection<ItemDocument> {
    return this.#collection("market", "items");
  }

  get notices(): Collection<NoticeDocument> {
    return this.#collection("notifications", "notifications");
  }

  #collection<Doc extends { _id: string }>(owner: Owner, name: string): Collection<Doc> {
    this.#clients[owners.indexOf(owner)] ??= new MongoClient(this.mongos[owner].url);
    return this.#clients[owners.indexOf(owner)]!.db(this.#databaseOf(owner)).collection<Doc>(name);
  }

  /** What there is of these sellers, or of all. */
  async remains(sellers?: string[]): Promise<Remains> {
    const [items, notices] = sellers
      ? [{ sellerId: { $in: sellers } }, { userId: { $in: sellers } }]
      : [{}, {}];
    return {
      items: await this.items.find(items).toArray(),
      notices: await this.notices.find(notices).toArray(),
    };
  }

  /** Every service and database answers, asked through every api; every node is seen, and each that owns data has its database. */
  async isWell(within = 30_000): Promise<void> {
    await eventually(
      async () => {
        const names = this.members.map(({ name }) => name).sort();
        const ready = await Promise.all(
          this.apis.map(
            async (api) =>
              (await fetch(`${api}/health/ready`, { signal: AbortSignal.timeout(2000) })).status,
          ),
        );
        if (!ready.every((status) => status === 200))
          throw new Error(`ready says ${ready.join(", ")}`);
        const seen = this.broker.registry.nodes
          .toArray()
          .filter((node) => node.available && !node.local);
        const missing = names.filter((name) => !seen.some(({ id }) => id === name));
        if (missing.length > 0) throw new Error(`out of sight: ${missing.join(", ")}`);
        // What is asked through an api is answered by whichever node has its turn.
        await Promise.all(
          this.of(...owners).map(({ name, service }) =>
            this.broker.call(`${service}.health`, {}, { nodeID: name, timeout: 2000 }),
          ),
        );
      },
      { within, every: 50 },
    );
  }

  async stop(): Promise<void> {
    await this.broker.stop();
    for (const member of this.members) member.thaw();
    await Promise.all(this.members.map((member) => member.end("SIGKILL")));
    await Promise.all(this.members.flatMap(({ proxies }) => proxies.map((proxy) => proxy.close())));
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(
      [this.rabbit, ...new Set(Object.values(this.mongos))].map((server) => server.stop()),
    );
  }
}

/** Kills a server of the house. Nobody may connect to it, as to any dead server: a proxy would take connections first. */
export async function crash(house: House, server: Server): Promise<void> {
  const gone = server.kill();
  await Promise.all(proxiesOf(house, server).map((proxy) => proxy.refuse()));
  await gone;
}

/** Resolves when it takes connections. */
export async function revive(house: House, server: Server): Promise<void> {
  await server.restart();
  await Promise.all(proxiesOf(house, server).map((proxy) => proxy.admit()));
}

const proxiesOf = ({ rabbit, mongos, members }: House, server: Server): Proxy[] => {
  if (server === rabbit) return members.map(({ amqp }) => amqp);
  return members.flatMap(({ service, mongo }) =>
    service !== "api" && mongos[service] === server ? [mongo!] : [],
  );
};

const portOf = ({ url }: Shared) => Number(new URL(url).port);

/** Below what the system gives to those who do not choose, so that it is still free when its node comes back. */
async function freePort(): Promise<number> {
  const port = 10_000 + Math.floor(Math.random() * 9_000);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!isFree) return freePort();
  server.close();
  await once(server, "close");
  return port;
}
