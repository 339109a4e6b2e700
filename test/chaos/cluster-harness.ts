/** A cluster for fault injection: every node and every server is a process, with a proxy on each connection between them. */
import { once } from "node:events";
import { createServer } from "node:net";
import { MongoClient, type Collection } from "mongodb";
import { ServiceBroker } from "moleculer";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Server, Shared } from "../../bin/processes/servers.ts";
import { amqp, brokerDefaults } from "../../broker/amqp/transporter.ts";
import { serviceNames, services, type ServiceName } from "../../contracts/actions.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { Proxy } from "../support/proxy.ts";
import type { Owner, Servers } from "./cluster-servers.ts";
import type { FinalState } from "./history.ts";
import { Member } from "./member.ts";

/** Number of nodes of each service; 1 unless given. */
export type Plan = Partial<Record<ServiceName, number>>;

export class Cluster<S extends Shared = Server> implements Servers<S> {
  readonly rabbit: S;
  readonly mongos: Record<Owner, S>;
  readonly members: Member[] = [];
  readonly env: ReturnType<typeof clusterEnv>;
  readonly #clients: MongoClient[] = [];
  /** A node without services, for calls of actions without a route. */
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

  static async start<S extends Shared>(plan: Plan, servers: Servers<S>): Promise<Cluster<S>> {
    const cluster = new Cluster(servers);
    for (const service of serviceNames)
      for (let n = 1; n <= (plan[service] ?? 1); n++)
        cluster.members.push(await cluster.#newMember(service, n));
    await Promise.all([cluster.broker.start(), ...cluster.members.map((member) => member.start())]);
    await cluster.waitUntilHealthy();
    return cluster;
  }

  async #newMember(service: ServiceName, n: number): Promise<Member> {
    const name = `${service}-${n}`;
    const amqp = await Proxy.before(portOf(this.rabbit));
    const mongo = service === "api" ? undefined : await Proxy.before(portOf(this.mongos[service]));
    // directConnection: a server of a replica set announces its own address, and clients would bypass the proxy.
    const database = (owner: Owner) => ({
      [`${owner.toUpperCase()}_MONGO_URL`]: `mongodb://127.0.0.1:${mongo!.port}/${this.#databaseOf(owner)}?directConnection=true`,
    });
    const env = {
      ...envOf(service, this.env),
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

  /** Direct, without a proxy, as are the notices. */
  get items(): Collection<ItemDocument> {
    return this.#collection("market", "items");
  }

  get notices(): Collection<NoticeDocument> {
    return this.#collection("notifications", "notifications");
  }

  #collection<Doc extends { _id: string }>(owner: Owner, name: string): Collection<Doc> {
    const index = services.indexOf(owner);
    this.#clients[index] ??= new MongoClient(this.mongos[owner].url);
    return this.#clients[index].db(this.#databaseOf(owner)).collection<Doc>(name);
  }

  /** The documents of these sellers, or of all. */
  async finalState(sellers?: string[]): Promise<FinalState> {
    const [items, notices] = sellers
      ? [{ sellerId: { $in: sellers } }, { userId: { $in: sellers } }]
      : [{}, {}];
    return {
      items: await this.items.find(items).toArray(),
      notices: await this.notices.find(notices).toArray(),
    };
  }

  /** Resolves when each api is ready, each node is in the registry, and each node that owns data reaches its database. */
  async waitUntilHealthy(within = 30_000): Promise<void> {
    const check = async () => {
      const ready = await Promise.all(this.apis.map(readiness));
      if (!ready.every((status) => status === 200))
        throw new Error(`/health/ready answers ${ready.join(", ")}.`);
      const available = this.broker.registry.nodes
        .toArray()
        .filter((node) => node.available && !node.local);
      const missing = this.members.filter(({ name }) => !available.some(({ id }) => id === name));
      if (missing.length > 0)
        throw new Error(`Not in the registry: ${missing.map(({ name }) => name).join(", ")}.`);
      // A call through an api reaches only one node of the service.
      await Promise.all(
        this.of(...services).map(({ name, service }) =>
          this.broker.call(`${service}.health`, {}, { nodeID: name, timeout: 2000 }),
        ),
      );
    };
    await eventually(check, { within, every: 50 });
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

const readiness = async (api: string): Promise<number> =>
  (await fetch(`${api}/health/ready`, { signal: AbortSignal.timeout(2000) })).status;

/** Kills a server. The proxies refuse connections too: otherwise they would accept them for a server that is down. */
export async function crashServer(cluster: Cluster, server: Server): Promise<void> {
  const killed = server.kill();
  await Promise.all(proxiesOf(cluster, server).map((proxy) => proxy.refuse()));
  await killed;
}

/** Resolves when the server accepts connections. */
export async function restartServer(cluster: Cluster, server: Server): Promise<void> {
  await server.restart();
  await Promise.all(proxiesOf(cluster, server).map((proxy) => proxy.admit()));
}

const proxiesOf = ({ rabbit, mongos, members }: Cluster, server: Server): Proxy[] => {
  if (server === rabbit) return members.map(({ amqp }) => amqp);
  return members.flatMap(({ service, mongo }) =>
    service !== "api" && mongos[service] === server ? [mongo!] : [],
  );
};

const portOf = ({ url }: Shared) => Number(new URL(url).port);

/** A port below the ephemeral range, so that it is still free when its node restarts. */
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
