/** A cluster for fault injection: every node and every server is a process, with a proxy on each connection between them. */
import { MongoClient, type Collection } from "mongodb";
import { ServiceBroker } from "moleculer";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";
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
    try {
      await Promise.all([
        cluster.broker.start(),
        ...cluster.members.map((member) => member.start()),
      ]);
      await cluster.waitUntilHealthy();
    } catch (error) {
      const output = cluster.members.map((member) => `${member.name}:\n${member.output()}`);
      await cluster.stop();
      throw new Error(`${(error as Error).message}\n${output.join("\n")}`, { cause: error });
    }
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
      const faults = (await Promise.all(this.apis.map(unreadiness))).filter(Boolean);
      if (faults.length > 0) throw new Error(`/health/ready answers ${faults.join(", ")}.`);
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
    const running = this.members.filter(({ isRunning }) => isRunning);
    for (const member of running) member.thaw();
    await Promise.all(running.map((member) => member.end("SIGKILL")));
    for (const member of this.members) member.removeClock();
    await Promise.all(this.members.flatMap(({ proxies }) => proxies.map((proxy) => proxy.close())));
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(
      [this.rabbit, ...new Set(Object.values(this.mongos))].map((server) => server.stop()),
    );
  }
}

/** What an api that is not ready answers; "" of a ready one. */
const unreadiness = async (api: string): Promise<string> => {
  const response = await fetch(`${api}/health/ready`, { signal: AbortSignal.timeout(2000) });
  return response.ok ? "" : `${response.status} ${await response.text()}`;
};

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
