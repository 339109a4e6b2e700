/** Joins the cluster as a node without services, and asks every other node. */
import type { ServiceBroker } from "moleculer";
import { setTimeout as pause } from "node:timers/promises";
import type { Announcement } from "../../broker/announcement.ts";
import type { ResilientAmqp } from "../../broker/amqp/transporter.ts";
import { brokerState } from "../../broker/amqp/reachability.ts";
import { codeOf } from "../../broker/refusal.ts";
import { version } from "../../broker/version.ts";
import { actions, serviceNames, services as owners } from "../../contracts/actions.ts";
import type { ListedEntry } from "../../contracts/outbox.ts";
import { findingsOf, within, type Finding, type Findings } from "./finding.ts";
import { describeOutbox } from "./outbox.ts";
import type { Settings } from "./settings.ts";

const checkTimeoutMs = 20_000;
/** How long the doctor waits for RabbitMQ, then for the answers of all nodes, and until no further one appears (ms). */
const [connectMs, discoverMs, quietMs] = [6_000, 5_000, 1_500];
const callMs = 3_000;
const maxSkewMs = 2_000;

export interface SeenNode {
  id: string;
  services: string[];
  announced: Partial<Announcement>;
  /** How far its clock is ahead of this machine's (ms). */
  offset: number | undefined;
}

export const checkNodes = (settings: Settings): Promise<Finding[]> =>
  findingsOf("nodes", checkTimeoutMs, async (findings) => {
    const broker = await join(settings);
    try {
      if (!(await isConnected(broker)))
        return findings.add("unknown", "RabbitMQ cannot be used, so no node can be asked.");
      const nodes = await discover(broker);
      describeNodes(nodes, findings);
      for (const fault of [...skews(nodes), ...keyFaults(nodes)]) findings.add("wrong", fault);
      await Promise.all([
        ...nodes.flatMap((node) =>
          node.services.map((name) => checkHealth(broker, node, name, findings)),
        ),
        ...owners
          .filter((name) => !settings.databases[name])
          .map((name) => checkOutbox(broker, name, findings)),
      ]);
    } finally {
      await within(3_000, broker.stop()).catch(() => null);
    }
  });

/** A node with none of the settings that make it listen or write: they were checked before. */
async function join({ amqpUrl, namespace, nodeId }: Settings): Promise<ServiceBroker> {
  const kept = new Set(["PATH", "HOME", "NODE_EXTRA_CA_CERTS", "TMPDIR"]);
  for (const name of Object.keys(process.env))
    if (!kept.has(name)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, {
    ...{ AMQP_URL: amqpUrl, NAMESPACE: namespace, NODE_ID: nodeId, SERVICES: "" },
    ...{ ALLOW_PLAINTEXT: "1", LOG_LEVEL: "fatal" },
  });
  const { startNode } = await import("../node.ts");
  return startNode([], { started: () => {}, logger: false });
}

async function isConnected(broker: ServiceBroker): Promise<boolean> {
  for (const ends = performance.now() + connectMs; performance.now() < ends; await pause(100))
    if (brokerState(broker) === "up") return true;
  return false;
}

async function discover(broker: ServiceBroker): Promise<SeenNode[]> {
  let [nodes, since] = [nodesOf(broker), performance.now()];
  for (const ends = performance.now() + discoverMs; performance.now() < ends;) {
    await pause(100);
    const now = nodesOf(broker);
    const isSettled =
      now.length === nodes.length && now.every(({ offset }) => offset !== undefined);
    if (!isSettled) since = performance.now();
    nodes = now;
    if (performance.now() - since > quietMs) break;
  }
  return nodes;
}

function nodesOf(broker: ServiceBroker): SeenNode[] {
  const offsets = (broker.transit!.tx as unknown as ResilientAmqp).clockOffsets();
  const list = broker.registry.getNodeList({
    onlyAvailable: true,
    withServices: true,
  }) as unknown as {
    id: string;
    local: boolean;
    metadata?: Partial<Announcement>;
    services: { name: string }[];
  }[];
  return list
    .filter(({ local }) => !local)
    .map(({ id, metadata, services }) => ({
      id,
      services: services
        .map(({ name }) => name)
        .filter((name) => serviceNames.includes(name as never)),
      announced: metadata ?? {},
      offset: offsets[id],
    }));
}

function describeNodes(nodes: SeenNode[], findings: Findings): void {
  for (const { id, services, announced } of nodes)
    findings.add(
      "ok",
      `${id} runs ${services.join(", ") || "no service"}, version ${announced.version ?? "unknown"}.`,
    );
  for (const name of serviceNames.filter(
    (one) => !nodes.some(({ services }) => services.includes(one)),
  ))
    findings.add("wrong", `No node offers ${name}.`);
  const versions = [
    ...new Set(nodes.map(({ announced }) => announced.version ?? "unknown")),
  ].sort();
  if (versions.length > 1)
    findings.add(
      "wrong",
      `The nodes run different versions (${versions.join(", ")}). Finish the upgrade.`,
    );
  else if (versions.length === 1 && versions[0] !== version)
    findings.add(
      "note",
      `The nodes run version ${versions[0]}, and this is the doctor of ${version}.`,
    );
  findings.add(
    "note",
    "Nodes of the first release use other exchanges. They are not seen here, nor by these nodes.",
  );
}

/** Differences between clocks. If all others agree, it is this machine's clock that is wrong. */
export function skews(nodes: Pick<SeenNode, "id" | "offset">[]): string[] {
  const known = nodes.flatMap(({ id, offset }) => (offset === undefined ? [] : [{ id, offset }]));
  const sorted = known.map(({ offset }) => offset).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const describe = (what: string, ms: number, other: string) =>
    `The clock of ${what} is ${(Math.abs(ms) / 1000).toFixed(1)} s ${ms > 0 ? "ahead of" : "behind"} ${other}.`;
  return [
    ...(known.length > 1 && Math.abs(median) > maxSkewMs
      ? [describe("this machine", -median, "those of the nodes")]
      : []),
    ...known
      .filter(({ offset }) => Math.abs(offset - (known.length > 1 ? median : 0)) > maxSkewMs)
      .map(({ id, offset }) =>
        known.length > 1
          ? describe(id, offset - median, "those of most nodes")
          : describe(id, offset, "this machine's"),
      ),
  ];
}

/** A token is refused by every node that lacks the key with which it was signed. */
export function keyFaults(nodes: Pick<SeenNode, "id" | "services" | "announced">[]): string[] {
  const signers = nodes.filter(({ announced }) => announced.signs !== undefined);
  const checkers = nodes.filter(({ services }) =>
    ["api", "notifications"].some((name) => services.includes(name)),
  );
  return signers.flatMap(({ id, announced: { signs } }) =>
    checkers
      .filter(({ announced: { verifies } }) => verifies && !verifies.includes(signs!))
      .map(
        (node) => `${node.id} refuses the tokens of ${id}: AUTH_JWKS there lacks the key ${signs}.`,
      ),
  );
}

const options = (nodeID?: string) => ({ timeout: callMs, retries: 0, ...(nodeID && { nodeID }) });

async function checkHealth(
  broker: ServiceBroker,
  { id }: SeenNode,
  name: string,
  findings: Findings,
): Promise<void> {
  if (!owners.includes(name as never)) return;
  const code = await broker.call(`${name}.health`, {}, options(id)).then(
    () => undefined,
    (error: unknown) =>
      (error as { type?: string }).type === "UNAVAILABLE" ? "UNAVAILABLE" : codeOf(error),
  );
  if (code === undefined) return findings.add("ok", `${name} on ${id} is ready.`);
  const reason = {
    UNAVAILABLE: "its database accepts no write",
    TIMEOUT: `it does not answer within ${callMs / 1000} s`,
  }[code as string];
  findings.add("wrong", `${name} on ${id} is not ready: ${reason ?? code}.`);
}

/** Of a service whose database this environment does not name. */
async function checkOutbox(broker: ServiceBroker, name: string, findings: Findings): Promise<void> {
  if (!(`${name}.outbox` in actions)) return;
  const ask = (state: string) =>
    broker.call<{ count: number; entries: ListedEntry[] }, object>(
      `${name}.outbox`,
      { state, limit: 1 },
      options(),
    );
  try {
    const [waiting, dead] = await Promise.all([ask("pending"), ask("refused")]);
    const state = {
      pending: waiting.count,
      refused: dead.count,
      oldestDueAt: waiting.entries[0]?.dueAt,
    };
    describeOutbox(state, findings);
  } catch {
    findings.add(
      "unknown",
      `The outbox of ${name} cannot be read: no node answers, and its database is not named here.`,
    );
  }
}
