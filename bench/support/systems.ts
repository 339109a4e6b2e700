/** The systems under test: Souk and the references, each as processes of its own over the same servers. */
import { join } from "node:path";
import type { JWK } from "jose";
import { MongoClient, type Collection, type Filter, type IndexDescription } from "mongodb";
import { services } from "../../contracts/actions.ts";
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { tokenOf } from "../../test/support/tokens.ts";
import { servers } from "./servers.ts";

export interface System {
  name: string;
  /** Origins of its HTTP server and of its sockets. */
  api: string;
  sockets: string;
  items: Collection<ItemDocument>;
  notices: Collection<NoticeDocument>;
  outbox: OutboxFilters;
  /** By role. */
  nodes: Record<string, Node>;
  token(userId: string): Promise<string>;
  stop(): Promise<void>;
}

/** Filters for sold items whose notice is pending, or delivered. */
export interface OutboxFilters {
  pending: Filter<ItemDocument>;
  delivered: Filter<ItemDocument>;
}

/** The same for Souk and the references. */
const outboxFilters: OutboxFilters = {
  pending: { "outbox.dueAt": { $gt: "" } },
  delivered: { "outbox.entries.notice.state": "delivered" },
};

/** Whether a reference has one of Souk's indexes, by the fields of the index. */
type IndexFilter = (fields: string[]) => boolean;

/** Environment as in production, with rate limits that the load does not reach. */
export const production = { NODE_ENV: "production", LOG_LEVEL: "info", RATE_SCALE: "1000000" };

/** With PROFILE_DIR, each node of Souk writes a CPU profile there on exit, in a folder named after its role. */
export const profiled = (role: string): Record<string, string> => {
  const { PROFILE_DIR } = process.env;
  return PROFILE_DIR
    ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${join(PROFILE_DIR, role)}` }
    : {};
};

/** Additional environment of the node with this role. */
type RoleEnv = (role: string) => Record<string, string>;

/** Starts one node for each service, or as many as `counts` says: further ones are named `ROLE-2`, `ROLE-3`. */
export async function souk(
  env: RoleEnv = () => ({}),
  counts: Record<string, number> = {},
): Promise<System> {
  const cluster = await environment();
  const names = [...services.toReversed(), "api"].flatMap((role) =>
    Array.from({ length: counts[role] ?? 1 }, (_, n) => (n === 0 ? role : `${role}-${n + 1}`)),
  );
  const start = (name: string) => {
    const role = name.split("-")[0]!;
    return startNode([role], {
      ...envOf(role, cluster),
      ...production,
      ...profiled(name),
      ...env(name),
    });
  };
  const started = await Promise.all(names.map(async (name) => [name, await start(name)] as const));
  const system = systemOf("souk", cluster, Object.fromEntries(started));
  await eventually(async () => (await fetch(`${system.api}/health/ready`)).status === 200, {
    within: 30_000,
  });
  return system;
}

/** Runs `bench/references/FILE.ts`, a process for each role, in the given order. */
export async function reference(
  name: string,
  file: string,
  roles: string[],
  roleEnv: RoleEnv = () => ({}),
): Promise<System> {
  const env = await environment();
  const command = join(import.meta.dirname, "../references", `${file}.ts`);
  const nodes: Record<string, Node> = {};
  for (const role of roles)
    nodes[role] = await startNode(
      [role],
      { ...env, NODE_ENV: "production", ...roleEnv(role) },
      command,
    );
  return systemOf(name, env, nodes);
}

export const bare = () => reference("bare", "bare", ["market", "api"]);
export const stock = () => reference("stock", "stock", ["notifications", "market", "api"]);
export const byHand = (env?: RoleEnv) =>
  reference("by hand", "by-hand", ["notifications", "market", "api"], env);

/** Creates Souk's indexes in a reference: both keep the same lists, and the cost of a write depends on its indexes. */
export async function copyIndexes(
  souk: System,
  other: System,
  isCopied: IndexFilter = () => true,
): Promise<void> {
  for (const name of ["items", "notices"] as const)
    for (const { v: _v, ns: _ns, ...index } of await souk[name].indexes())
      if (index.name !== "_id_" && isCopied(Object.keys(index.key)))
        await other[name].createIndexes([index as IndexDescription]);
}

/** For references that have no outbox. */
export const withoutOutbox: IndexFilter = (fields) =>
  !fields.some((field) => field.startsWith("outbox."));

async function environment() {
  const { rabbit, mongo } = await servers();
  return clusterEnv(rabbit.url, mongo.url);
}

function systemOf(
  name: string,
  env: ReturnType<typeof clusterEnv>,
  nodes: Record<string, Node>,
): System {
  const key = JSON.parse(Buffer.from(env.AUTH_PRIVATE_JWK, "base64url").toString()) as JWK;
  const clients = [env.MARKET_MONGO_URL, env.NOTIFICATIONS_MONGO_URL].map(
    (url) => new MongoClient(url),
  );
  const [market, inbox] = clients.map((client) => client.db());
  const origin = (of: "api" | "sockets") =>
    Object.values(nodes)
      .map((node) => node[of])
      .find(Boolean) ?? "";
  return {
    name,
    api: origin("api"),
    sockets: origin("sockets"),
    items: market!.collection<ItemDocument>("items"),
    notices: inbox!.collection<NoticeDocument>("notifications"),
    outbox: outboxFilters,
    nodes,
    token: (userId) => tokenOf(key, userId),
    async stop() {
      await Promise.all(clients.map((client) => client.db().dropDatabase()));
      await Promise.all([
        ...clients.map((client) => client.close()),
        ...Object.values(nodes).map((node) => node.end()),
      ]);
    },
  };
}
