import { spawnNode } from "../../bin/processes/node-process.ts";
import { join } from "node:path";

const command = join(import.meta.dirname, "../../bin/doctor.ts");

/** Runs `npm run doctor` with an environment. `lines` are the lines of its table, with single spaces. */
export async function doctor(env: Record<string, string | undefined>, args: string[] = []) {
  const began = performance.now();
  const node = spawnNode(args, env, command);
  await new Promise((resolve) => node.child.once("close", resolve));
  const code = node.child.exitCode;
  const output = node.output();
  const text = output.replaceAll(/\n {11,}/g, " ");
  const lines = text.split("\n").map((line) => line.trim().replaceAll(/\s+/g, " "));
  return { code, lines, output, ms: performance.now() - began };
}
