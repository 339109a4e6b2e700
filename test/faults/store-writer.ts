/**
 * Reads all documents of a store, then writes until it is killed: FILE PREFIX [STEPS]. Several chains are written at once, each
 * from its first step (chain.ts); with STEPS, it ends after so many; with 0, it kills itself. Prints "begin CHAIN STEP" before a write, "done CHAIN
 * STEP" after it, and "seen CHAIN STEP" when it has read a document, to standard output, which is a file: each line is there before the next call.
 */
import { writeSync } from "node:fs";
import { SqliteStore } from "../../store/sqlite/adapter.ts";
import type { Thing } from "../support/store-promises.ts";
import { chains, stateOf } from "./chain.ts";

const [file = "", prefix = "", steps = "Infinity"] = process.argv.slice(2);
const print = (what: string, chain: string, step: number) =>
  writeSync(1, `${what} ${chain} ${step}\n`);

const store = new SqliteStore(file, chains);
await store.connect();
const seen = (doc: Thing | null) => doc && print("seen", doc._id, doc.number!);
for (const doc of await store.find({ query: {} })) seen(doc as Thing);
if (steps === "0") process.kill(process.pid, "SIGKILL");

async function write(chain: string, step: number): Promise<void> {
  const before = stateOf(chain, step - 1);
  const after = stateOf(chain, step);
  print("begin", chain, step);
  if (!before && after) await store.insert(after);
  else if (!after) await store.removeOne({ _id: chain, number: step - 1 });
  else await store.updateOne({ _id: chain, number: step - 1 }, { $set: after });
  print("done", chain, step);
}

await Promise.all(
  Array.from({ length: 8 }, async (_, n) => {
    const chain = `${prefix}-${n}`;
    for (let step = 0; step < Number(steps); step++) {
      const written = write(chain, step);
      // Somebody else reads it while it is written. What a reader got must survive too.
      seen((await store.findOne({ _id: chain })) as Thing | null);
      await written;
    }
  }),
);
await store.disconnect();
