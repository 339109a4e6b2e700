/** The load's process, and what is asked of it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Load, Order } from "../load.ts";

const command = join(import.meta.dirname, "../load.ts");

/** Throws when anything but 200 was answered: an error is not work done. */
export async function load(order: Order): Promise<Load> {
  const child = fork(command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  try {
    const answered = once(child, "message") as Promise<[Load]>;
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`The load ended with ${code}.`);
    });
    child.send(order);
    const [done] = await Promise.race([answered, ended]);
    const { 200: ok = 0, ...others } = done.statuses;
    if (ok !== order.count)
      throw new Error(
        `${order.api}${order.path}: of ${order.count} only ${ok} were answered 200, ${JSON.stringify(others)}.`,
      );
    return done;
  } finally {
    child.kill();
  }
}
