import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A named block of a page, its path from the root: "ts inbox" is what stands between ```ts inbox and ```. */
export function block(page: string, name: string): string {
  const text = readFileSync(join(import.meta.dirname, "../..", page), "utf8");
  const found = new RegExp(`\`\`\`${name}\\n([^]*?)\`\`\``).exec(text)?.[1];
  if (!found) throw new Error(`${page} has no block "${name}"`);
  return found;
}

/** Runs a named block of commands from a page under docs/, as its reader would. */
export function follow(
  page: string,
  name: string,
  cwd: string,
  env: Record<string, string> = {},
): void {
  execFileSync("sh", ["-euc", block(`docs/${page}`, `sh ${name}`)], {
    cwd,
    env: { ...process.env, ...env },
  });
}
