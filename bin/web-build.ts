/** Builds the page when it is missing or older than its sources, in a child process whose memory is freed afterwards. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const root = join(import.meta.dirname, "..");
const page = join(root, "web");
const built = join(page, "dist");
const vite = join(root, "node_modules/vite/bin/vite.js");
/** The lock of a running build: of several nodes that start together, one builds. */
const lock = join(page, ".building");
/** A lock that is older than this was left by a killed process (ms). */
const LOCK_TIMEOUT = 60_000;

/** Builds the page if needed. Never rejects, because Souk also works without a page; returns a sentence about a failure. */
export async function freshPage(): Promise<string | undefined> {
  // Without vite, as in the image, the page was built before.
  if (!existsSync(vite) || isFresh()) return undefined;
  try {
    await withLock(async () => {
      if (!isFresh()) await build();
    });
  } catch (error) {
    const effect = existsSync(built) ? "an older one is served" : "none is served";
    return `The page could not be built, so ${effect}: ${(error as Error).message}`;
  }
}

function isFresh(): boolean {
  const { mtimeMs = 0 } = statSync(join(built, "index.html"), { throwIfNoEntry: false }) ?? {};
  return (
    mtimeMs > 0 &&
    ["web", "client", "contracts"].every((folder) => newest(join(root, folder)) <= mtimeMs)
  );
}

/** The time of the latest change of a file in the folder (ms). */
function newest(path: string): number {
  const entries = readdirSync(path, { withFileTypes: true }).filter(
    ({ name }) => !/^(dist|node_modules|\..*)$/.test(name),
  );
  const times = entries.map((entry) => {
    const inside = join(path, entry.name);
    return entry.isDirectory() ? newest(inside) : statSync(inside).mtimeMs;
  });
  return Math.max(0, ...times);
}

async function withLock(run: () => Promise<void>): Promise<void> {
  while (!takeLock()) await pause(50);
  try {
    await run();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function takeLock(): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const { mtimeMs = Infinity } = statSync(lock, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > LOCK_TIMEOUT) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/** Builds into a new folder, then renames it into place: a reader sees the old page or the new one. */
async function build(): Promise<void> {
  const fresh = join(lock, "dist");
  const args = [
    vite,
    "build",
    "--config",
    join(page, "vite.config.ts"),
    "--configLoader",
    "native",
    "--outDir",
    fresh,
    "--logLevel",
    "error",
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) =>
    child.once("close", resolve).once("error", reject),
  );
  if (code !== 0)
    throw new Error(output.trim().split("\n").find(Boolean) ?? `vite ended with ${String(code)}`);
  if (existsSync(built)) renameSync(built, join(lock, "old"));
  renameSync(fresh, built);
}
