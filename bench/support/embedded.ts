/** Systems that run in one process over files. Items are stored before the start; state is read from the files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JWK } from "jose";
import { encode, newKeyPair, type Keys } from "../../broker/keys.ts";
import { startNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";
import { tokenOf } from "../../test/support/tokens.ts";
import type { LoadResult } from "../load/closed-loop.ts";
import { runClosedLoop } from "./closed-loop.ts";
import { fillItems, MarketFiles } from "./files.ts";
import { fillLines, watchLines } from "./older-tree.ts";
import { fillReference, watchReference } from "./reference-files.ts";
import { buyerTokens, itemsOf, type ItemSet } from "./sales.ts";
import { production, profiled } from "./systems.ts";

export interface EmbeddedSystem {
  name: string;
  api: string;
  dataDir: string;
  node: Node;
  /** Begins to watch the sales of a round. */
  watch(run: string): SoldFiles | Promise<SoldFiles>;
  token(userId: string): Promise<string>;
  stop(): Promise<void>;
}

/** What the files show of the sales of one round. */
export interface SoldFiles {
  /** Whether as many sales are delivered, by a cheap read. */
  isDelivered(count: number): boolean | Promise<boolean>;
  /** Sold items whose notice is delivered, and notices, each counted once. */
  counts(): Counts | Promise<Counts>;
  close(): void | Promise<void>;
}
interface Counts {
  delivered: number;
  stored: number;
}

/** All notices of a round must be delivered within this (ms). */
const deliveryTimeout = 60_000;

type Environment = Record<string, string>;

/** Souk over the files in a folder, which `prepare` fills. */
export const soukEmbedded = (
  prepare: (folder: string) => void,
  { name = "souk", env = {} }: { name?: string; env?: Environment } = {},
) =>
  startSouk(name, prepare, (folder) => (run) => watchSouk(folder, run), undefined, {
    ...profiled("embedded"),
    ...env,
  });

export const withItems = (sets: ItemSet[]) => (folder: string) =>
  fillItems(folder, sets.flatMap(itemsOf));

/** Souk of another checkout, whose files are NeDB's. */
export const olderSouk = (tree: string, sets: ItemSet[]) =>
  startSouk(
    "souk on NeDB",
    (folder) => fillLines(folder, sets.flatMap(itemsOf)),
    (folder) => () => watchLines(folder),
    join(tree, "bin/service.ts"),
  );

async function startSouk(
  name: string,
  prepare: (folder: string) => void,
  watchIn: (folder: string) => EmbeddedSystem["watch"],
  command?: string,
  env: Environment = {},
): Promise<EmbeddedSystem> {
  const folder = temporaryFolder();
  prepare(folder.path);
  const node = await startNode([], { ...production, ...env, DATA_DIR: folder.path }, command);
  const keys = JSON.parse(readFileSync(join(folder.path, "keys.json"), "utf8")) as Keys;
  return systemOf(name, folder, node, keys.private!, watchIn(folder.path));
}

/** The hand-written market. */
export async function referenceEmbedded(
  sets: ItemSet[],
  { isGrouped = false } = {},
): Promise<EmbeddedSystem> {
  const folder = temporaryFolder();
  fillReference(folder.path, sets.flatMap(itemsOf));
  const pair = newKeyPair();
  const env = {
    DATA_DIR: folder.path,
    AUTH_JWKS: encode({ keys: [pair.public] }),
    NODE_ENV: "production",
    GROUP_COMMIT: isGrouped ? "1" : "0",
  };
  const node = await startNode([], env, join(import.meta.dirname, "../references/embedded.ts"));
  const name = `node:http + SQLite${isGrouped ? ", group commit" : ""}`;
  return systemOf(name, folder, node, pair.private, (run) => watchReference(folder.path, run));
}

const systemOf = (
  name: string,
  folder: ReturnType<typeof temporaryFolder>,
  node: Node,
  key: JWK,
  watch: EmbeddedSystem["watch"],
): EmbeddedSystem => ({
  name,
  api: node.api,
  dataDir: folder.path,
  node,
  watch,
  token: (userId) => tokenOf(key, userId),
  async stop() {
    await node.end();
    folder.remove();
  },
});

function watchSouk(folder: string, run: string): SoldFiles {
  const files = new MarketFiles(folder);
  return {
    isDelivered: () => !files.isAnyPending(),
    counts: () => ({
      delivered: files.delivered(`${run}-`),
      stored: files.notices(`${run}-seller-`),
    }),
    close: () => files.close(),
  };
}

/** Sells all items of a set. Throws unless each item is sold, each notice stored and each outbox entry delivered. */
export async function sellAllEmbedded(
  { name, api, watch, token }: EmbeddedSystem,
  run: string,
  { count, path }: ItemSet,
): Promise<LoadResult & { untilDelivered: number }> {
  const files = await watch(run);
  try {
    const tokens = await buyerTokens(token, run);
    const load = { api, method: "POST", path, count, connections: 64, tokens } as const;
    const result = await runClosedLoop(load);
    const deadline = Date.now() + deliveryTimeout;
    while (!(await files.isDelivered(count))) {
      if (Date.now() > deadline)
        throw new Error(`${name} did not deliver all notices within ${deliveryTimeout / 1000} s.`);
      await pause(20);
    }
    const untilDelivered = (Date.now() - result.startedAt) / 1000;
    for (const [state, number] of Object.entries(await files.counts()))
      if (number !== count) throw new Error(`${name}: of ${count} sales ${number} are ${state}.`);
    return { ...result, untilDelivered };
  } finally {
    await files.close();
  }
}
