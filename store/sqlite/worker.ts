/** The thread of the databases: SQLite's calls block, and a commit waits for the disk. Operations that arrive together share a transaction. */
import { parentPort } from "node:worker_threads";
import type { Layout } from "./layout.ts";
import { decode, type Operation } from "./operations.ts";
import { RecoveringDatabase, refused, type Answer } from "./recovering-database.ts";
import { UnfitFile, type Known, type Unfit } from "./file.ts";
import { isRead } from "./turn.ts";

/** To the thread. `operations` are texts of `encode`; their ids are `firstId` and the following. */
export type Request =
  | { type: "open"; database: number; file: string; layout: Layout; known?: Known }
  | { type: "run"; database: number; firstId: number; operations: string[] }
  | { type: "close"; database: number };

/**
 * From the thread. `answers` is the text of a list of `Answer`; each batch has one reply, and parts of it that go
 * on have later ones. `isUsable`: the file could be written. `error` says why a file was not opened.
 */
export type Reply =
  | { type: "opened"; database: number; identity: string }
  | { type: "unopened"; database: number; error: string; kind?: Unfit }
  | { type: "closed"; database: number }
  | { type: "answers"; database: number; answers: string; isBatchDone: boolean; isUsable: boolean };

/** SQLite's primary result codes for tables or documents that do not fit the layout: an error, and a violated constraint. */
const misfitCodes = new Set([1, 19]);

const port = parentPort!;
const databases = new Map<number, RecoveringDatabase>();

const reply = (message: Reply) => port.postMessage(message);

port.on("message", (request: Request) => {
  const { database: id } = request;
  if (request.type === "run")
    return run(id, withIds(request.firstId, request.operations.map(decode)), true);
  if (request.type === "open") return open(request);
  databases.get(id)?.close();
  databases.delete(id);
  reply({ type: "closed", database: id });
});

function open({ database, file, layout, known }: Request & { type: "open" }): void {
  const opened = new RecoveringDatabase(file, layout);
  try {
    const identity = opened.open(known);
    databases.set(database, opened);
    reply({ type: "opened", database, identity });
  } catch (error) {
    reply({ type: "unopened", database, error: (error as Error).message, kind: kindOf(error) });
  }
}

function kindOf(error: unknown): Unfit | undefined {
  if (error instanceof UnfitFile) return error.kind;
  const { errcode = 0 } = error as { errcode?: number };
  return misfitCodes.has(errcode & 0xff) ? "foreign" : undefined;
}

/** Databases whose next turn is scheduled. */
const scheduled = new Set<number>();

function run(id: number, operations: [number, Operation][], isBatchDone = false): void {
  const database = databases.get(id);
  const answers =
    database?.run(operations) ??
    refused(operations, { type: "unavailable", message: "it is closed" });
  // Reading goes on while another process writes the file, or the disk is full.
  const isUsable = operations.some(([, one]) => writesOrPings(one)) && !answers.some(isOutage);
  const texts = `[${answers.map(toText).join(",")}]`;
  if (isBatchDone || answers.length > 0)
    reply({ type: "answers", database: id, answers: texts, isBatchDone, isUsable });
  if (!database?.hasUnfinished || scheduled.has(id)) return;
  scheduled.add(id);
  setImmediate(() => {
    scheduled.delete(id);
    run(id, []);
  });
}

const withIds = (firstId: number, operations: Operation[]) =>
  operations.map((operation, n): [number, Operation] => [firstId + n, operation]);

const writesOrPings = (operation: Operation) => !isRead(operation);

const isOutage = ([, outcome]: Answer) =>
  "failure" in outcome && outcome.failure.type === "unavailable";

/** Results are JSON already. */
const toText = ([id, outcome]: Answer) =>
  "result" in outcome
    ? `[${id},{"result":${outcome.result}}]`
    : `[${id},{"failure":${JSON.stringify(outcome.failure)}}]`;
