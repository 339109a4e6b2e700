/** Preloaded into a node with `--import`. At SIGUSR2 its threads end, whatever they do. */
import type { Worker } from "node:worker_threads";

const threads = new Set<Worker>();
process.on("worker", (worker) => {
  threads.add(worker);
  worker.once("exit", () => threads.delete(worker));
});
process.on("SIGUSR2", () => threads.forEach((worker) => void worker.terminate()));
