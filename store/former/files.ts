/** The import of a data folder of version 0.1.0. */
import { existsSync, realpathSync, renameSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Middleware, ServiceBroker } from "moleculer";
import { syncPath } from "../../broker/folder.ts";
import type { SqliteStore } from "../sqlite/adapter.ts";
import { storesIn } from "../sqlite/listed-files.ts";
import type { Job } from "./fill.ts";
import type { Answer } from "./worker.ts";

/**
 * Middleware that imports the files of version 0.1.0 before the services start, once: where a service has no file yet.
 * All files are read before one takes its place, and the old ones stay as they are. A broken file refuses the start with one sentence.
 */
export const formerFiles = (folder: string): Middleware => ({
  name: "FormerFiles",
  async starting(broker: ServiceBroker) {
    const missing = storesIn(folder, broker).filter((store) => !hasFile(store));
    const jobs = missing.flatMap(jobOf);
    if (jobs.length === 0) return;
    refuseLost(missing, jobs);
    await refuseRunning(folder);
    const counts = await run(jobs);
    for (const { to } of jobs) renameSync(to, targetOf(to));
    syncPath(folder);
    const imported = jobs.map(({ layout }, n) => `${counts[n]} ${layout.table}`).join(", ");
    broker.logger.info(
      `Imported the files of version 0.1.0 in ${folder}: ${imported}. They are not used any more.`,
    );
  },
});

const suffix = ".import";
const targetOf = (to: string) => to.slice(0, -suffix.length);

// The log of a missing file has writes that must not be lost: opening it refuses.
const hasFile = ({ file }: SqliteStore) => existsSync(file) || existsSync(`${file}-wal`);

const formerFileOf = ({ file, layout }: SqliteStore) => join(dirname(file), `${layout.table}.db`);

/** The import for a store without a file; none when there is nothing to import. */
function jobOf(store: SqliteStore): Job[] {
  const { file, layout } = store;
  const old = formerFileOf(store);
  // An interrupted compaction of version 0.1.0 leaves only the new file.
  const from = [old, `${old}~`].find((path) => existsSync(path));
  return from ? [{ from, to: `${file}${suffix}`, layout }] : [];
}

/** Version 0.1.0 made all its files at its first start, also the empty ones. */
const formerTables = ["items", "notifications", "accounts"];

function refuseLost(missing: SqliteStore[], jobs: Job[]): void {
  const lost = missing.find(
    ({ layout: { table } }) =>
      formerTables.includes(table) && !jobs.some(({ layout }) => layout.table === table),
  );
  if (lost)
    throw new Error(
      `${formerFileOf(lost)} of version 0.1.0 is missing: restore it from a backup, or create an empty file of that name to begin with an empty one.`,
    );
}

async function run(jobs: Job[]): Promise<number[]> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: jobs });
  const [answer] = (await once(worker, "message")) as [Answer];
  await worker.terminate();
  if ("counts" in answer) return answer.counts;
  for (const { to } of jobs) rmSync(to, { force: true });
  throw new Error(answer.error);
}

/** Version 0.1.0 locked its folder by an abstract socket of Linux. */
async function refuseRunning(folder: string): Promise<void> {
  const name = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32);
  const socket = connect(`\0souk-${name}`);
  const isRunning = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (isRunning)
    throw new Error(`${folder} is in use by a Souk process of version 0.1.0. Stop that process.`);
}
