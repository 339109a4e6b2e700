/** Runs the closed-loop generator as a child process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ClosedLoop, LoadResult } from "../load/closed-loop.ts";

const command = join(import.meta.dirname, "../load/closed-loop.ts");

/** Throws unless every response has status 200: a failed request is not completed work. */
export async function runClosedLoop(load: ClosedLoop): Promise<LoadResult> {
  const child = fork(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  try {
    const replied = once(child, "message") as Promise<[LoadResult]>;
    const exited = once(child, "exit").then(([code]) => {
      throw new Error(`The load generator exited with code ${code}.`);
    });
    child.send(load);
    const [result] = await Promise.race([replied, exited]);
    const { 200: ok = 0, ...failed } = result.statuses;
    if (ok !== load.count)
      throw new Error(
        `${load.api}${load.path}: only ${ok} of ${load.count} responses have status 200, ${JSON.stringify(failed)}.`,
      );
    return result;
  } finally {
    child.kill();
  }
}
