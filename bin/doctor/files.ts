/** Checks an embedded market: its lock, the space on its disk, and each file, also while the market runs. Writes nothing. */
import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Collection } from "../../store/store.ts";
import { layoutOf } from "../../store/sqlite/layout.ts";
import { nameOf } from "../../store/sqlite/schema.ts";
import { collections } from "./collections.ts";
import { openToRead } from "./open-to-read.ts";
import { findingsOf, messageOf, type Finding, type Findings } from "./finding.ts";
import { describeOutbox } from "./outbox.ts";
import type { Settings } from "./settings.ts";

const checkTimeoutMs = 25_000;
/** A larger file is not read to its end: its check is said to be unfinished (ms). */
const quickCheckMs = 15_000;
/** Space under which the market will soon stand still (bytes, and as a part of the disk). */
const [minFree, minShare] = [1 << 30, 0.05];
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** The first collection of a service is in the file of its name, and each further one in a file of its own. */
const files = Object.entries(collections).flatMap(([owner, all]) =>
  all.map((what, n) => ({ name: `${owner}${n > 0 ? `-${what.name}` : ""}.sqlite`, what })),
);

export const checkFiles = ({
  dataDir,
  port,
}: Settings & { dataDir: string }): Promise<Finding[]>[] => {
  const listed = readList(dataDir);
  return [
    findingsOf("market", checkTimeoutMs, (findings) => checkFolder(dataDir, port, findings)),
    ...files
      .filter(({ name }) => listed.includes(name) || existsSync(join(dataDir, name)))
      .map(({ name, what }) =>
        findingsOf(name, checkTimeoutMs, (findings) =>
          checkFile(join(dataDir, name), what, findings),
        ),
      ),
  ];
};

function readList(folder: string): string[] {
  try {
    return JSON.parse(readFileSync(join(folder, "files.json"), "utf8")) as string[];
  } catch {
    return [];
  }
}

async function checkFolder(dataDir: string, port: number, findings: Findings): Promise<void> {
  const { bavail, blocks, bsize } = statfsSync(dataDir);
  const free = bavail * bsize;
  const isLow = free < minFree || bavail / blocks < minShare;
  findings.add(isLow ? "wrong" : "ok", `${mebibytes(free)} are free on the disk of ${dataDir}.`);
  if (!isLocked(join(dataDir, "lock")))
    return findings.add("note", "The market is stopped: nothing has locked its folder.");
  const url = `http://127.0.0.1:${port}/health/ready`;
  const state = await fetch(url, { signal: AbortSignal.timeout(3_000) }).then(
    async (response) => (await response.json()) as { status?: string; services?: object },
    () => undefined,
  );
  if (state?.status === "ready") findings.add("ok", `The market runs and is ready (${url}).`);
  else if (state?.services)
    findings.add("wrong", `The market runs and is not ready: ${JSON.stringify(state.services)}.`);
  else
    findings.add(
      "unknown",
      `A process has locked the folder, and does not answer at ${url}. Is PORT the same here?`,
    );
}

/** Whether a process holds the lock of broker/folder-lock.ts. */
function isLocked(file: string): boolean {
  if (!existsSync(file)) return false;
  const connection = new DatabaseSync(file, { readOnly: true });
  try {
    connection.exec("BEGIN; SELECT count(*) FROM sqlite_schema; COMMIT");
    return false;
  } catch {
    return true;
  } finally {
    connection.close();
  }
}

async function checkFile(file: string, what: Collection, findings: Findings): Promise<void> {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (!size) return findings.add("wrong", `${file} is missing or empty. Restore it from a backup.`);
  const damage = await quickCheck(file);
  if (damage === "late")
    findings.add(
      "unknown",
      `${basename(file)} (${mebibytes(size)}) was not read to its end within ${quickCheckMs / 1000} s. \`npm run backup\` checks all of it.`,
    );
  else if (damage)
    findings.add("wrong", `${basename(file)} is damaged: ${damage}. Restore it from a backup.`);
  else findings.add("ok", `${basename(file)} (${mebibytes(size)}) is intact.`);
  try {
    readDatabase(file, what, findings);
  } catch (error) {
    findings.add("wrong", `${basename(file)} cannot be read: ${messageOf(error)}.`);
  }
}

function readDatabase(file: string, what: Collection, findings: Findings): void {
  const db = openToRead(file);
  try {
    const { table, indexes } = layoutOf(what);
    const text =
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL";
    const present = (db.prepare(text).all(table) as { name: string }[]).map(({ name }) => name);
    const wanted = indexes.map((index) => nameOf(table, index));
    const differ = [
      ...wanted.filter((one) => !present.includes(one)),
      ...present.filter((one) => !wanted.includes(one)),
    ];
    if (differ.length > 0)
      findings.add(
        "note",
        `${differ.length} indexes of ${table} are missing or superfluous. The next start of the market makes and drops them.`,
      );
    else findings.add("ok", `${table} has the ${wanted.length} indexes of this version.`);
    if (what.indexes.some(({ fields }) => fields[0] === "outbox.dueAt"))
      readOutbox(db, table, findings);
  } finally {
    db.close();
  }
}

function readOutbox(db: DatabaseSync, table: string, findings: Findings): void {
  const ask = (column: string) =>
    db
      .prepare(
        `SELECT count(*) AS n, min("${column}") AS first FROM "${table}" WHERE "${column}" IS NOT NULL`,
      )
      .get() as { n: number; first: string | null };
  const [waiting, dead] = [ask("outbox.dueAt"), ask("outbox.refusedAt")];
  describeOutbox(
    { pending: waiting.n, refused: dead.n, oldestDueAt: waiting.first ?? undefined },
    findings,
  );
}

/** In a thread, which ends in time however large the file is. Undefined for an intact file. */
function quickCheck(file: string): Promise<string | undefined> {
  const worker = new Worker(new URL("quick-check.ts", import.meta.url), { workerData: file });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve("late"), quickCheckMs);
  worker.on("message", (found: string) => resolve(found === "ok" ? undefined : found));
  worker.on("error", (error: Error) => resolve(messageOf(error)));
  return promise.finally(() => {
    clearTimeout(timer);
    void worker.terminate();
  });
}
