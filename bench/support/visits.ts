/** The visitors' process, and what is asked of it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Got, Visit } from "../visitors.ts";

const command = join(import.meta.dirname, "../visitors.ts");

/** What each of them got: what is not 200 is for the caller to judge. */
export async function visits(visit: Visit): Promise<Got[]> {
  const child = fork(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  try {
    const answered = once(child, "message") as Promise<[Got[]]>;
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`The visitors ended with ${code}.`);
    });
    child.send(visit);
    return (await Promise.race([answered, ended]))[0];
  } finally {
    child.kill();
  }
}

/** How often each status was got. */
export const tally = (got: Got[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(got, ({ status }) => status)].map(([status, group]) => [status, group.length]),
  );
