import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The content of a named code block in a Markdown file: for "ts inbox", the text between ```ts inbox and ```. */
export function block(page: string, name: string): string {
  const text = readFileSync(join(import.meta.dirname, "../..", page), "utf8");
  const found = new RegExp(`\`\`\`${name}\\n([^]*?)\`\`\``).exec(text)?.[1];
  if (!found) throw new Error(`${page} has no code block "${name}".`);
  return found;
}

/** Runs a named block of shell commands from a page in docs/. */
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
