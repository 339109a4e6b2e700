/** The live heap of another process, which was started with `heapReport` in its environment. */
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Node } from "../../bin/processes/node-process.ts";

/** Environment of a node that answers SIGUSR2 with one line. */
export const heapReport = {
  NODE_OPTIONS: `--expose-gc --import ${join(import.meta.dirname, "heap-report.ts")}`,
};

/** Bytes in use after a garbage collection. */
export async function heapOf({ child, output }: Node): Promise<number> {
  const reports = () => [...output().matchAll(/^live heap: (\d+)$/gm)];
  const before = reports().length;
  child.kill("SIGUSR2");
  await eventually(
    () => {
      if (reports().length === before) throw new Error("The process has not reported its heap.");
    },
    { within: 10_000 },
  );
  return Number(reports().at(-1)![1]);
}
