/** Those that run in one process over files: what they did is read from the files, which each write is appended to. */
import { open, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JWK } from "jose";
import { encode, newKeyPair } from "../../broker/keys.ts";
import { startMarket } from "../../test/support/market.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { tokenOf } from "../../test/support/tokens.ts";
import type { Load } from "../load.ts";
import { production, profiled } from "./contestants.ts";
import { load } from "./generator.ts";
import { buyersOf, itemsOf, type Stock } from "./sales.ts";

export interface Embedded {
  who: string;
  api: string;
  dataDir: string;
  token(userId: string): Promise<string>;
  stop(): Promise<void>;
}

const itemsFile = "items.db";
const noticesFile = "notifications.db";
/** All notices of a round come within this (ms). */
const longestWait = 60_000;

export async function soukEmbedded(stocks: Stock[]): Promise<Embedded> {
  const folder = await stockedFolder(stocks);
  const market = await startMarket({ ...production, ...profiled("embedded") }, folder);
  return {
    who: "souk",
    api: market.api,
    dataDir: market.dataDir,
    token: tokensBy(market.key),
    async stop() {
      await market.end();
      await market.close();
    },
  };
}

export async function referenceEmbedded(stocks: Stock[]): Promise<Embedded> {
  const folder = await stockedFolder(stocks);
  const pair = newKeyPair();
  const env = {
    DATA_DIR: folder.path,
    AUTH_JWKS: encode({ keys: [pair.public] }),
    NODE_ENV: "production",
  };
  const node = await startNode([], env, join(import.meta.dirname, "../references/embedded.ts"));
  return {
    who: "node:http + NeDB",
    api: node.api,
    dataDir: folder.path,
    token: tokensBy(pair.private),
    async stop() {
      await node.end();
      folder.remove();
    },
  };
}

const tokensBy = (key: JWK) => (userId: string) => tokenOf(key, userId);

/** With all that will be sold: nobody but the process itself can add to its files. */
async function stockedFolder(stocks: Stock[]) {
  const folder = temporaryFolder();
  const lines = stocks.flatMap(itemsOf).map((item) => `${JSON.stringify(item)}\n`);
  await writeFile(join(folder.path, itemsFile), lines.join(""));
  return folder;
}

/** Sells all of a stock; throws unless each item is sold, each notice stored and each debt told. */
export async function sellAllEmbedded(
  one: Embedded,
  run: string,
  wares: Stock,
): Promise<Load & { untilTold: number }> {
  const { who, api, dataDir, token } = one;
  const { count, path } = wares;
  const [items, notices] = await Promise.all([
    Tail.of(join(dataDir, itemsFile)),
    Tail.of(join(dataDir, noticesFile)),
  ]);
  const tokens = await buyersOf(token, run);
  const done = await load({ api, method: "POST", path, count, connections: 64, tokens });
  for (
    const until = Date.now() + longestWait;
    (await items.more()).split(told).length - 1 < count;
    await pause(20)
  )
    if (Date.now() > until)
      throw new Error(`${who} has not told all sellers within ${longestWait / 1000} s.`);
  const untilTold = (Date.now() - done.begun) / 1000;
  await notices.more();
  const isTold = ({ isSold, notice }: Line) => isSold === true && notice?.state === "told";
  for (const [what, found] of [
    ["told", items.idsOf(isTold)],
    ["stored", notices.idsOf(() => true)],
  ] as const)
    if (found !== count) throw new Error(`${who}: of ${count} sales ${found} are ${what}.`);
  return { ...done, untilTold };
}

const told = '"state":"told"';

interface Line {
  _id: string;
  isSold?: boolean;
  notice?: { state: string };
}

/** What was appended to a file since, read a part at a time: whoever waits for it must not cost much. */
class Tail {
  readonly #file: FileHandle;
  #at: number;
  #text = "";

  private constructor(file: FileHandle, at: number) {
    [this.#file, this.#at] = [file, at];
  }

  static async of(path: string): Promise<Tail> {
    const file = await open(path);
    return new Tail(file, (await file.stat()).size);
  }

  /** All of it so far. */
  async more(): Promise<string> {
    const { size } = await this.#file.stat();
    const { buffer } = await this.#file.read({
      buffer: Buffer.alloc(size - this.#at),
      position: this.#at,
    });
    this.#at = size;
    this.#text += buffer.toString("latin1");
    return this.#text;
  }

  idsOf(isCounted: (line: Line) => boolean): number {
    const lines = this.#text
      .split("\n")
      .filter((line) => line.endsWith("}"))
      .map((line) => JSON.parse(line) as Line);
    void this.#file.close();
    return new Set(lines.filter(isCounted).map(({ _id }) => _id)).size;
  }
}
