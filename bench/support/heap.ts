/** The live heap of another process, which has to be started with `weighable` in its environment. */
import { join } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import type { Node } from "../../bin/processes/node-process.ts";

/** It answers a SIGUSR2 with one line. */
export const weighable = {
  NODE_OPTIONS: `--expose-gc --import ${join(import.meta.dirname, "memory.ts")}`,
};

/** Bytes in use after a collection of garbage. */
export async function heapOf({ child, output }: Node): Promise<number> {
  const answers = () => [...output().matchAll(/^live heap: (\d+)$/gm)];
  const before = answers().length;
  child.kill("SIGUSR2");
  await eventually(
    () => {
      if (answers().length === before) throw new Error("no answer");
    },
    { within: 10_000 },
  );
  return Number(answers().at(-1)![1]);
}
