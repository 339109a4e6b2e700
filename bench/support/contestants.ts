/** Those that are compared: Souk and the references, each as processes of its own over the same servers. */
import { join } from "node:path";
import type { JWK } from "jose";
import { MongoClient, type Collection } from "mongodb";
import type { ItemDocument } from "../../domain/item.ts";
import type { NoticeDocument } from "../../domain/notice.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv, envOf } from "../../bin/processes/cluster-env.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";
import { tokenOf } from "../../test/support/tokens.ts";
import { servers } from "./servers.ts";

export interface Contestant {
  who: string;
  /** Where its HTTP and its sockets are. */
  api: string;
  sockets: string;
  items: Collection<ItemDocument>;
  notices: Collection<NoticeDocument>;
  /** By role. */
  nodes: Record<string, Node>;
  token(userId: string): Promise<string>;
  stop(): Promise<void>;
}

/** Which of Souk's indexes a reference has, by their fields. */
type Indexed = (fields: string[]) => boolean;

/** As in production: said is what it says by default, and no bound stands in the way of the load. */
export const production = { NODE_ENV: "production", LOG_LEVEL: "info", RATE_SCALE: "1000000" };

/** With PROFILE_DIR, each of Souk's nodes leaves a CPU profile there when it ends, in a folder of its role. */
export const profiled = (role: string): Record<string, string> => {
  const { PROFILE_DIR } = process.env;
  return PROFILE_DIR
    ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${join(PROFILE_DIR, role)}` }
    : {};
};

/** What is added to the environment of the node with this role. */
type More = (role: string) => Record<string, string>;

/** A node of each service. */
export async function souk(env: More = () => ({})): Promise<Contestant> {
  const cluster = await environment();
  const roles = ["users", "notifications", "market", "api"];
  const started = await Promise.all(
    roles.map(
      async (role) =>
        [
          role,
          await startNode([role], {
            ...envOf(role, cluster),
            ...production,
            ...profiled(role),
            ...env(role),
          }),
        ] as const,
    ),
  );
  const contestant = await contestantOf("souk", cluster, Object.fromEntries(started));
  await eventually(async () => (await fetch(`${contestant.api}/health/ready`)).status === 200, {
    within: 30_000,
  });
  return contestant;
}

/** `bench/references/NAME.ts`, a process for each role, in the order that they are named. */
export async function reference(
  who: string,
  name: string,
  roles: string[],
  more: More = () => ({}),
): Promise<Contestant> {
  const env = await environment();
  const command = join(import.meta.dirname, "../references", `${name}.ts`);
  const nodes: Record<string, Node> = {};
  for (const role of roles)
    nodes[role] = await startNode(
      [role],
      { ...env, NODE_ENV: "production", ...more(role) },
      command,
    );
  return contestantOf(who, env, nodes);
}

export const bare = () => reference("bare", "bare", ["market", "api"]);
export const stock = () => reference("stock", "stock", ["notifications", "market", "api"]);
export const byHand = (more?: More) =>
  reference("by hand", "by-hand", ["notifications", "market", "api"], more);

/** The references keep the same lists, so the same indexes: a write costs what it has to keep in order. */
export async function indexAsSouk(
  souk: Contestant,
  other: Contestant,
  indexed: Indexed = () => true,
): Promise<void> {
  for (const what of ["items", "notices"] as const)
    for (const { v: _v, ns: _ns, ...index } of await souk[what].indexes())
      if (index.name !== "_id_" && indexed(Object.keys(index.key)))
        await other[what].createIndexes([index as never]);
}

/** Bare owes nobody anything. */
export const withoutDebts: Indexed = (fields) =>
  !fields.some((field) => field.startsWith("notice."));

async function environment() {
  const { rabbit, mongo } = await servers();
  return clusterEnv(rabbit.url, mongo.url);
}

async function contestantOf(
  who: string,
  env: ReturnType<typeof clusterEnv>,
  nodes: Record<string, Node>,
): Promise<Contestant> {
  const key = JSON.parse(Buffer.from(env.AUTH_PRIVATE_JWK, "base64url").toString()) as JWK;
  const clients = [env.MARKET_MONGO_URL, env.NOTIFICATIONS_MONGO_URL].map(
    (url) => new MongoClient(url),
  );
  const [market, inbox] = clients.map((client) => client.db());
  const found = (what: "api" | "sockets") =>
    Object.values(nodes)
      .map((node) => node[what])
      .find(Boolean) ?? "";
  return {
    who,
    api: found("api"),
    sockets: found("sockets"),
    items: market!.collection<ItemDocument>("items"),
    notices: inbox!.collection<NoticeDocument>("notifications"),
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
