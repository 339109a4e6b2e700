/**
 * Lets the Nth system call of a store fail, for each N that a start and a few writes reach: FOLDER FAULT FROM STEP DOCUMENTS.
 * FAULT is a Fault as JSON without `first`, which goes from FROM in steps of STEP. The store is new without DOCUMENTS; otherwise
 * it has this many, which the writes change. Prints what happened as JSON. Throws when a write was
 * acknowledged and is lost, when a call ends in another way than done or UNAVAILABLE, or when the store does not recover.
 * Runs under the environment of a Disk, which it controls itself.
 */
import { AssertionError, strict as assert } from "node:assert";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteStore } from "../../store/sqlite/adapter.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Thing } from "../support/store-promises.ts";
import { chains, checkChains, stateOf } from "./chain.ts";
import { failCalls, failedCalls, mendCalls, type Fault } from "./control.ts";

const [folder = "", faultText = "", from = "", step = "", documents = "0"] = process.argv.slice(2);
const fault = JSON.parse(faultText) as Fault;
const old = Array.from({ length: Number(documents) }, (_, n) => `old-${n}`);
const counts = { rounds: 0, failedCalls: 0, refusedStarts: 0, refusedCalls: 0, done: 0 };

/** Whether a call was done. It may only fail with UNAVAILABLE, and it finds its document. */
async function isDone(call: Promise<unknown>): Promise<boolean> {
  try {
    assert.notEqual(await call, null, "The document of the step before is there.");
    counts.done++;
    return true;
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    assert.equal((error as { type?: string }).type, "UNAVAILABLE", error as Error);
    counts.refusedCalls++;
    return false;
  }
}

/** Starts the store on the file. A refusal is one sentence about the file. */
async function started(file: string): Promise<SqliteStore | undefined> {
  const store = new SqliteStore(file, chains);
  try {
    await store.connect();
    return store;
  } catch (error) {
    assert.match((error as Error).message, /^[^\n]+ cannot be used[^\n]*\.$/);
    assert((error as Error).message.startsWith(file));
    counts.refusedStarts++;
    await store.disconnect();
    return undefined;
  }
}

/** Writes the steps of a chain until a call is refused, and notes them as store-writer.ts prints them. */
async function write(store: SqliteStore, chain: string, log: string[]): Promise<void> {
  for (let n = 0; n < 5; n++) {
    log.push(`begin ${chain} ${n}`);
    const [before, after] = [stateOf(chain, n - 1), stateOf(chain, n)];
    const query = { _id: chain, number: n - 1 };
    const call =
      before && after
        ? store.updateOne(query, { $set: after })
        : after
          ? store.insert(after)
          : store.removeOne(query);
    if (!(await isDone(call))) return;
    log.push(`done ${chain} ${n}`);
  }
}

/** Documents that are there before calls fail. */
async function prepare(file: string, log: string[]): Promise<void> {
  const store = (await started(file))!;
  for (const chain of old) {
    await store.insert(stateOf(chain, 0)!);
    log.push(`done ${chain} 0`);
  }
  await store.disconnect();
}

/** Changes all of them at once. Enough documents fill the log, so that SQLite moves it into the file: a checkpoint. */
async function changeAll(store: SqliteStore, log: string[]): Promise<void> {
  const step = 1;
  await Promise.all(
    old.map(async (chain) => {
      log.push(`begin ${chain} ${step}`);
      const change = store.updateOne({ _id: chain, number: 0 }, { $set: stateOf(chain, step)! });
      if (await isDone(change)) log.push(`done ${chain} ${step}`);
    }),
  );
}

async function round(file: string, fault: Fault): Promise<void> {
  const log: string[] = [];
  if (old.length > 0) await prepare(file, log);
  failCalls(fault);
  let store = await started(file);
  if (store) await changeAll(store, log);
  for (const chain of store ? ["a", "b", "c"] : []) await write(store!, chain, log);
  if (store) await isDone(store.find({ query: { words: "chain" } }));
  const calls = failedCalls().length;
  counts.failedCalls += calls;
  mendCalls();
  store ??= await started(file);
  assert(store, "The store starts without the fault.");
  await eventually(() => store!.ping(), { within: 30_000 });
  const check = async () =>
    checkChains([...log, ""].join("\n"), (await store!.find({ query: {} })) as Thing[]);
  await check();
  await write(store, "later", log);
  assert.equal(log.at(-1), "done later 4");
  await store.disconnect();
  store = (await started(file))!;
  await check();
  await store.disconnect();
}

// A database that is open keeps the databases' thread, which takes long to start.
const other = new SqliteStore(join(tmpdir(), `souk-faults-${process.pid}.sqlite`), chains);
await other.connect();
for (let first = Number(from); ; first += Number(step)) {
  const where = join(folder, `${first}`);
  mkdirSync(where);
  const before = counts.failedCalls;
  try {
    await round(join(where, "things.sqlite"), { ...fault, first });
  } catch (error) {
    throw new Error(`Call ${first}: ${(error as Error).message}`, { cause: error });
  }
  rmSync(where, { recursive: true });
  counts.rounds++;
  if (counts.failedCalls === before) break;
}
await other.disconnect();
process.stdout.write(JSON.stringify(counts));
