/** Builds a folder with vite in a child process, whose memory is freed afterwards. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const root = join(import.meta.dirname, "..");
const vite = join(root, "node_modules/vite/bin/vite.js");
/** A lock that is older than this was left by a killed process (ms). */
const LOCK_TIMEOUT = 60_000;

/** The image has no vite: its folders were built before. */
export const hasVite = () => existsSync(vite);

/** The time of the latest change of a file in the folder whose name has the ending (ms). */
export function newest(path: string, ending = ""): number {
  const entries = readdirSync(path, { withFileTypes: true }).filter(
    (entry) =>
      !/^(dist|node_modules|\..*)$/.test(entry.name) &&
      (entry.isDirectory() || entry.name.endsWith(ending)),
  );
  const times = entries.map((entry) => {
    const inside = join(path, entry.name);
    return entry.isDirectory() ? newest(inside, ending) : statSync(inside).mtimeMs;
  });
  return Math.max(0, ...times);
}

export interface Target {
  /** The folder to be built, and vite's configuration. */
  folder: string;
  config: string;
  /** A folder that exists during a build: of several nodes that start together, one builds. */
  lock: string;
  isFresh(): boolean;
}

/** Builds the folder unless it is fresh. Rejects with the first line of vite's output. */
export async function buildOnce(target: Target): Promise<void> {
  if (target.isFresh()) return;
  while (!takeLock(target.lock)) await pause(50);
  try {
    if (!target.isFresh()) await build(target);
  } finally {
    rmSync(target.lock, { recursive: true, force: true });
  }
}

function takeLock(lock: string): boolean {
  try {
    mkdirSync(dirname(lock), { recursive: true });
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const { mtimeMs = Infinity } = statSync(lock, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > LOCK_TIMEOUT) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/** Builds into a new folder, then renames it into place: a reader sees the old folder or the new one. */
async function build({ folder, config, lock }: Target): Promise<void> {
  const fresh = join(lock, "dist");
  const args = [vite, "build", "--config", config, "--configLoader", "native"];
  const output = await run([...args, "--outDir", fresh, "--logLevel", "error"]);
  if (output !== undefined) throw new Error(output);
  if (existsSync(folder)) renameSync(folder, join(lock, "old"));
  renameSync(fresh, folder);
}

/** Runs Node. Returns the first line of what a failure printed. */
async function run(args: string[]): Promise<string | undefined> {
  // With another NODE_ENV, vite leaves out what only the served page has: the service worker's registration.
  const env = { ...process.env, NODE_ENV: "production" };
  const child = spawn(process.execPath, args, {
    ...{ cwd: root, env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) =>
    child.once("close", resolve).once("error", reject),
  );
  if (code === 0) return undefined;
  return output.trim().split("\n").find(Boolean) ?? `vite ended with ${String(code)}`;
}
