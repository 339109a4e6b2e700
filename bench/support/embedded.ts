/** Systems that run in one process over files. Their state is read from the files, to which every write appends. */
import { open, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JWK } from "jose";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { startMarket } from "../../test/support/market.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { tokenOf } from "../../test/support/tokens.ts";
import type { LoadResult } from "../load/closed-loop.ts";
import { runClosedLoop } from "./closed-loop.ts";
import { buyerTokens, itemsOf, type ItemSet } from "./sales.ts";
import { production, profiled } from "./systems.ts";

export interface EmbeddedSystem {
  name: string;
  api: string;
  dataDir: string;
  /** Part of the text of an item whose notice is delivered. */
  deliveredText: string;
  token(userId: string): Promise<string>;
  stop(): Promise<void>;
}

const itemsFile = "items.db";
const noticesFile = "notifications.db";
/** All notices of a round must be delivered within this (ms). */
const deliveryTimeout = 60_000;

export async function soukEmbedded(sets: ItemSet[]): Promise<EmbeddedSystem> {
  const folder = await folderWith(sets);
  const market = await startMarket({ ...production, ...profiled("embedded") }, folder);
  return {
    name: "souk",
    api: market.api,
    dataDir: market.dataDir,
    deliveredText: '"state":"delivered"',
    token: tokensBy(market.key),
    async stop() {
      await market.end();
      await market.close();
    },
  };
}

export async function referenceEmbedded(sets: ItemSet[]): Promise<EmbeddedSystem> {
  const folder = await folderWith(sets);
  const pair = newKeyPair();
  const env = {
    DATA_DIR: folder.path,
    AUTH_JWKS: encode({ keys: [pair.public] }),
    NODE_ENV: "production",
  };
  const node = await startNode([], env, join(import.meta.dirname, "../references/embedded.ts"));
  return {
    name: "node:http + NeDB",
    api: node.api,
    dataDir: folder.path,
    deliveredText: '"state":"delivered"',
    token: tokensBy(pair.private),
    async stop() {
      await node.end();
      folder.remove();
    },
  };
}

const tokensBy = (key: JWK) => (userId: string) => tokenOf(key, userId);

/** A data folder with the items of all rounds, because only the system itself can add to its files later. */
async function folderWith(sets: ItemSet[]) {
  const folder = temporaryFolder();
  const lines = sets.flatMap(itemsOf).map((item) => `${JSON.stringify(item)}\n`);
  await writeFile(join(folder.path, itemsFile), lines.join(""));
  return folder;
}

/** Sells all items of a set. Throws unless each item is sold, each notice stored and each outbox entry delivered. */
export async function sellAllEmbedded(
  system: EmbeddedSystem,
  run: string,
  { count, path }: ItemSet,
): Promise<LoadResult & { untilDelivered: number }> {
  const { name, api, dataDir, deliveredText, token } = system;
  const [items, notices] = await Promise.all([
    Tail.of(join(dataDir, itemsFile)),
    Tail.of(join(dataDir, noticesFile)),
  ]);
  const tokens = await buyerTokens(token, run);
  const load = { api, method: "POST", path, count, connections: 64, tokens } as const;
  const result = await runClosedLoop(load);
  const deadline = Date.now() + deliveryTimeout;
  while ((await items.read()).split(deliveredText).length - 1 < count) {
    if (Date.now() > deadline)
      throw new Error(`${name} did not deliver all notices within ${deliveryTimeout / 1000} s.`);
    await pause(20);
  }
  const untilDelivered = (Date.now() - result.startedAt) / 1000;
  await notices.read();
  const isDelivered = (text: string) =>
    (JSON.parse(text) as { isSold?: boolean }).isSold === true && text.includes(deliveredText);
  const found = {
    delivered: await items.countIds(isDelivered),
    stored: await notices.countIds(() => true),
  };
  for (const [state, number] of Object.entries(found))
    if (number !== count) throw new Error(`${name}: of ${count} sales ${number} are ${state}.`);
  return { ...result, untilDelivered };
}

/** The text appended to a file since it was opened. Each read is incremental, because its cost is part of the measurement. */
class Tail {
  readonly #file: FileHandle;
  #position: number;
  #text = "";

  private constructor(file: FileHandle, position: number) {
    [this.#file, this.#position] = [file, position];
  }

  static async of(path: string): Promise<Tail> {
    const file = await open(path);
    return new Tail(file, (await file.stat()).size);
  }

  /** All text so far. */
  async read(): Promise<string> {
    const { size } = await this.#file.stat();
    const { buffer } = await this.#file.read({
      buffer: Buffer.alloc(size - this.#position),
      position: this.#position,
    });
    this.#position = size;
    this.#text += buffer.toString("latin1");
    return this.#text;
  }

  /** The number of documents with a line that is counted. Closes the file. */
  async countIds(isCounted: (line: string) => boolean): Promise<number> {
    await this.#file.close();
    const lines = this.#text.split("\n").filter((line) => line.endsWith("}") && isCounted(line));
    return new Set(lines.map((line) => (JSON.parse(line) as { _id: string })._id)).size;
  }
}
