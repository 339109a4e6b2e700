/** The store of chain.ts on a disk that may lose its power: the process that writes it, and the check of what is found. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "../../store/sqlite/database.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import type { Query } from "../../store/store.ts";
import type { Thing } from "../support/store-promises.ts";
import { chains, checkChains } from "./chain.ts";
import type { Disk } from "./disk.ts";

const fileIn = (where: string) => join(where, "data", "things.sqlite");

/** A process that writes until it ends or is killed after `lines` printed lines. Returns what it printed. */
export async function write(
  disk: Disk,
  prefix: string,
  { steps = Infinity, lines = Infinity },
): Promise<string> {
  const writer = join(import.meta.dirname, "../faults/store-writer.ts");
  const output = `${disk.folder}-output`;
  const descriptor = openSync(output, "w");
  const child = spawn(process.execPath, [writer, fileIn(disk.folder), prefix, `${steps}`], {
    env: { ...process.env, ...disk.environment() },
    stdio: ["ignore", descriptor, "inherit"],
  });
  closeSync(descriptor);
  const printed = () => readFileSync(output, "utf8");
  const polling = setInterval(() => {
    if (printed().split("\n").length > lines) child.kill("SIGKILL");
  }, 5);
  const [code, signal] = await once(child, "close").finally(() => clearInterval(polling));
  expect([code, signal]).toEqual(lines === Infinity && steps > 0 ? [0, null] : [null, "SIGKILL"]);
  return printed();
}

/** Opens the database as a restart does, and checks every document, every index and the file. */
export function check(printed: string, where: string): void {
  const database = new Database(fileIn(where), layoutOf(chains));
  database.open();
  const all = (query: Query) => {
    const [outcome] = database.run([{ type: "find", query }]) as { result: string }[];
    return JSON.parse(outcome!.result) as Thing[];
  };
  const docs = all({});
  checkChains(printed, docs);
  for (const { _id, words, email } of docs)
    for (const query of [{ words: words!.at(1) }, { email }])
      expect(all(query).map((doc) => doc._id)).toEqual([_id]);
  expect(all({ words: "chain" })).toHaveLength(docs.length);
  database.close();
  const file = new DatabaseSync(fileIn(where));
  expect(file.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  const elements = file.prepare(`SELECT count(*) AS count FROM "things.words"`).get();
  file.close();
  expect(elements).toEqual({ count: docs.flatMap(({ words }) => words).length });
}

/** Adds the seed to what a check throws. */
export function during(what: string, task: () => void): void {
  try {
    task();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}
