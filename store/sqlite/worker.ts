/** The thread of the databases: SQLite's calls block, and a commit waits for the disk. Operations that arrive together share a transaction. */
import { parentPort } from "node:worker_threads";
import type { Layout } from "./layout.ts";
import { decode, type Operation } from "./operations.ts";
import { RecoveringDatabase, refused, type Answer } from "./recovering-database.ts";
import { isRead } from "./turn.ts";

/** To the thread. `operations` are texts of `encode`; their ids are `firstId` and the following. */
export type Request =
  | { type: "open"; database: number; file: string; layout: Layout; identity?: string }
  | { type: "run"; database: number; firstId: number; operations: string[] }
  | { type: "close"; database: number };

/**
 * From the thread. `answers` is the text of a list of `Answer`; each batch has one reply, and parts of it that go
 * on have later ones. `isUsable`: the file could be written. `error` says why a file was not opened or closed;
 * an opened one has an `identity`.
 */
export type Reply =
  | { type: "opened" | "closed"; database: number; error?: string; identity?: string }
  | { type: "answers"; database: number; answers: string; isBatchDone: boolean; isUsable: boolean };

const port = parentPort!;
const databases = new Map<number, RecoveringDatabase>();

const reply = (message: Reply) => port.postMessage(message);

port.on("message", (request: Request) => {
  const { database: id } = request;
  if (request.type === "run")
    return run(id, withIds(request.firstId, request.operations.map(decode)), true);
  const type = request.type === "open" ? "opened" : "closed";
  try {
    const identity = request.type === "open" ? open(request) : close(id);
    reply({ type, database: id, identity });
  } catch (error) {
    reply({ type, database: id, error: (error as Error).message });
  }
});

function open({ database, file, layout, identity }: Request & { type: "open" }): string {
  const opened = new RecoveringDatabase(file, layout);
  const found = opened.open(identity);
  databases.set(database, opened);
  return found;
}

function close(id: number): undefined {
  databases.get(id)?.close();
  databases.delete(id);
}

/** Databases whose next turn is scheduled. */
const scheduled = new Set<number>();

function run(id: number, operations: [number, Operation][], isBatchDone = false): void {
  const database = databases.get(id);
  const answers = database?.run(operations) ?? refused(operations, "it is closed");
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
