import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Runs a named block of commands from a page under docs/, as its reader would. */
export function follow(page: string, block: string, cwd: string, env: Record<string, string> = {}): void {
  const text = readFileSync(join(import.meta.dirname, "../../docs", page), "utf8");
  const commands = new RegExp(`\`\`\`sh ${block}\\n([^]*?)\`\`\``).exec(text)?.[1];
  if (!commands) throw new Error(`docs/${page} has no commands "${block}"`);
  execFileSync("sh", ["-euc", commands], { cwd, env: { ...process.env, ...env } });
}
