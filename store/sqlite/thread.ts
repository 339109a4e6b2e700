/** The main thread's side of the thread of the databases. */
import { Worker } from "node:worker_threads";
import type { Known } from "./file.ts";
import type { Layout } from "./layout.ts";
import type { Reply, Request } from "./worker.ts";

/** What one database's messages are passed to. */
export interface Listener {
  onReply(reply: Reply): void;
  /** The thread ended, with everything that was asked of it. */
  onEnd(): void;
}

let worker: Worker | undefined;
let lastDatabase = 0;
const listeners = new Map<number, Listener>();
/** Files that are being opened or closed. They keep the process alive, as operations do by their timeouts. */
let opensAndCloses = 0;
/** Requests without their last reply. */
let unanswered = 0;
/** Since when the thread has said nothing although it was asked (ms), or since when it is dead. */
let silentSince: number | undefined;
/** A thread that is silent for this long is stuck in a system call, or cannot be started again (ms). */
const longestSilenceMs = 30_000;

/** Whether only a restart of the process can bring the thread back. */
export const isThreadStuck = () =>
  silentSince !== undefined && performance.now() - silentSince > longestSilenceMs;

/** One thread serves all databases of a process: a thread each would take 15 MB and 40 ms of CPU more (docs/decisions/014). */
function thread(): Worker {
  if (worker) return worker;
  const started = new Worker(new URL("./worker.ts", import.meta.url));
  started.on("message", (reply: Reply) => {
    if (reply.type !== "answers" || reply.isBatchDone) unanswered--;
    silentSince = unanswered > 0 ? performance.now() : undefined;
    if (reply.type !== "answers" && --opensAndCloses === 0) started.unref();
    listeners.get(reply.database)?.onReply(reply);
  });
  const end = () => {
    if (worker !== started) return;
    worker = undefined;
    opensAndCloses = unanswered = 0;
    silentSince ??= performance.now();
    for (const { onEnd } of [...listeners.values()]) onEnd();
  };
  started.once("error", end).once("exit", end);
  return (worker = started);
}

/** Starts the thread before the first database is opened: it starts while the main thread loads the other services. */
export const startThread = () => void thread();

/** Opens a database. Returns its number in requests; the listener hears whether it was opened. */
export function openDatabase(
  what: { file: string; layout: Layout; known?: Known },
  listener: Listener,
): number {
  const database = ++lastDatabase;
  listeners.set(database, listener);
  send({ type: "open", database, ...what });
  return database;
}

export function send(request: Request): void {
  const to = thread();
  unanswered++;
  silentSince ??= performance.now();
  if (request.type !== "run" && opensAndCloses++ === 0) to.ref();
  to.postMessage(request);
}

/** Forgets a database. The thread ends with the last one. */
export async function release(database: number): Promise<void> {
  listeners.delete(database);
  if (listeners.size > 0 || !worker) return;
  const last = worker;
  worker = undefined;
  opensAndCloses = unanswered = 0;
  silentSince = undefined;
  await last.terminate();
}
