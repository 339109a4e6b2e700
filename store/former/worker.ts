/** The thread of the import: it answers with the number of documents of each file, or with the sentence of a refusal. */
import { parentPort, workerData } from "node:worker_threads";
import { fill, type Job } from "./fill.ts";

/** `error` is a sentence. */
export type Answer = { counts: number[] } | { error: string };

const answer = (): Answer => {
  try {
    return { counts: (workerData as Job[]).map(fill) };
  } catch (error) {
    return { error: (error as Error).message };
  }
};

parentPort!.postMessage(answer());
