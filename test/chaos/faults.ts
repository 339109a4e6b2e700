/** The faults that can be injected into a cluster and removed again. */
import { serviceNames, services, type ServiceName } from "../../contracts/actions.ts";
import type { Server } from "../../bin/processes/servers.ts";
import type { Proxy } from "../support/proxy.ts";
import { crashServer, restartServer, type Cluster } from "./cluster-harness.ts";
import type { Owner } from "./cluster-servers.ts";
import { allSurfaces, surfaceOf, without, type Fault, type Surface } from "./fault.ts";
import type { Member } from "./member.ts";
import type { History } from "./history.ts";
import { duplicateDelivery, protocolPoints } from "./protocol-faults.ts";

/** Every node has detected the failure of another, and calls its peers, within this (ms). */
const detectedWithin = 2_500;

/** One fault of each kind, on nodes that `random` selects. */
export function allFaults(cluster: Cluster, random: () => number, history: History): Fault[] {
  const one = (service: ServiceName) =>
    cluster.of(service)[Math.floor(random() * cluster.of(service).length)]!;
  const databaseFaults = (owner: Owner) =>
    serverFaults(
      `the database of ${owner}`,
      cluster,
      cluster.mongos[owner],
      without(owner),
      surfaceOf[owner],
    );
  return [
    ...serviceNames.flatMap((service) => nodeFaults(one(service), cluster)),
    ...serviceNames.flatMap((service) => connectionFaults(one(service), "RabbitMQ", cluster)),
    ...services.flatMap((service) => connectionFaults(one(service), "its database", cluster)),
    ...services
      .filter((service) => cluster.of(service).length > 1)
      .map((service) => serviceFault(service, cluster)),
    ...serverFaults("RabbitMQ", cluster, cluster.rabbit, [], "browse"),
    ...services.flatMap(databaseFaults),
    ...protocolPoints(one("market"), one("notifications")),
    duplicateDelivery(cluster, history),
  ];
}

function nodeFaults(member: Member, cluster: Cluster): Fault[] {
  const { service } = member;
  const isSingle = cluster.of(service).length === 1;
  const common = {
    dependent: surfaceOf[service],
    available: isSingle ? without(service) : allSurfaces,
    graceMs: isSingle ? 0 : detectedWithin,
    ...(service === "api" && { avoid: member }),
    durationMs: 4_000,
  };
  return [
    {
      ...common,
      name: `kill -9: a node of ${service}`,
      inject: () => member.end("SIGKILL"),
      heal: () => member.start(),
    },
    {
      ...common,
      name: `SIGTERM: a node of ${service}`,
      inject: () => member.end("SIGTERM"),
      heal: () => member.start(),
    },
    ...[3, -3].map((hours) => ({
      ...common,
      name: `clock ${hours > 0 ? "+" : "−"}3 h: a node of ${service}`,
      available: allSurfaces,
      graceMs: 0,
      avoid: undefined,
      inject: () => member.setClock(hours * 3_600_000),
      heal: () => member.setClock(0),
    })),
    {
      ...common,
      name: `SIGSTOP: a node of ${service}`,
      inject: async () => member.freeze(),
      heal: async () => member.thaw(),
    },
  ];
}

/** All nodes of a service at once. */
function serviceFault(service: Owner, cluster: Cluster): Fault {
  const forEach = (act: (member: Member) => Promise<unknown>) =>
    Promise.all(cluster.of(service).map(act));
  return {
    name: `kill -9: every node of ${service}`,
    dependent: surfaceOf[service],
    available: without(service),
    graceMs: 0,
    durationMs: 3_000,
    inject: () => forEach((member) => member.end("SIGKILL")),
    heal: () => forEach((member) => member.start()),
  };
}

function connectionFaults(
  member: Member,
  peer: "RabbitMQ" | "its database",
  cluster: Cluster,
): Fault[] {
  const { service } = member;
  const isSingle = cluster.of(service).length === 1;
  const isDatabase = peer === "its database";
  // A node without its database still receives its share of the calls, and refuses them.
  const isAffected = isSingle || isDatabase;
  const common = {
    dependent: surfaceOf[service],
    available: isAffected ? without(service) : allSurfaces,
    graceMs: isAffected ? 0 : detectedWithin,
    ...(service === "api" && { avoid: member }),
    durationMs: 3_500,
  };
  const proxy: Proxy = isDatabase ? member.mongo! : member.amqp;
  const fault = (kind: string, inject: () => unknown, differing: Partial<Fault> = {}): Fault => ({
    ...common,
    name: `${kind}: ${service} – ${peer}`,
    inject: async () => inject(),
    heal: () => proxy.admit(),
    ...differing,
  });
  return [
    fault("reset", () => proxy.cut(), { durationMs: 0 }),
    fault("refused", () => proxy.refuse()),
    fault("stalled", () => proxy.hold("up", "down")),
    fault("+200 ms", () => (proxy.delayed = 200), {
      available: allSurfaces,
      graceMs: 0,
      durationMs: 3_000,
    }),
  ];
}

function serverFaults(
  name: string,
  cluster: Cluster,
  server: Server,
  available: Surface[],
  dependent?: Surface,
): Fault[] {
  const common = { dependent, available, graceMs: 0 };
  return [
    {
      ...common,
      name: `kill -9: ${name}`,
      durationMs: 1_000,
      inject: () => crashServer(cluster, server),
      heal: () => restartServer(cluster, server),
    },
    {
      ...common,
      name: `SIGSTOP: ${name}`,
      durationMs: 3_500,
      inject: async () => server.freeze(),
      heal: async () => server.thaw(),
    },
  ];
}
