/** Runs the open-loop generator as a child process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { OpenLoop, TimedResponse } from "../load/open-loop.ts";

const command = join(import.meta.dirname, "../load/open-loop.ts");

/** Returns every response. The caller checks the statuses. */
export async function runOpenLoop(load: OpenLoop): Promise<TimedResponse[]> {
  const child = fork(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  try {
    const replied = once(child, "message") as Promise<[TimedResponse[]]>;
    const exited = once(child, "exit").then(([code]) => {
      throw new Error(`The load generator exited with code ${code}.`);
    });
    child.send(load);
    return (await Promise.race([replied, exited]))[0];
  } finally {
    child.kill();
  }
}

/** Number of responses by status. */
export const countByStatus = (responses: TimedResponse[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(responses, ({ status }) => status)].map(([status, group]) => [
      status,
      group.length,
    ]),
  );

/** From the first request to the last response (s). */
export const secondsUntilLast = (responses: TimedResponse[]): number =>
  Math.max(...responses.map(({ startMs, durationMs }) => startMs + durationMs)) / 1000;
