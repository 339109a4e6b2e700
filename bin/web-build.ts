/** Builds the page, when there is none yet or its sources are newer. A process of its own does it: what that needs is free afterwards. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const root = join(import.meta.dirname, "..");
const page = join(root, "web");
const built = join(page, "dist");
const vite = join(root, "node_modules/vite/bin/vite.js");
/** Held by whoever builds, so that nodes which start together do not all do it. */
const lock = join(page, ".building");
/** Milliseconds after which its holder must have been killed. */
const buildsWithin = 60_000;

/** Never fails: without a page the market is open all the same. The sentence that says why, if there is none. */
export async function freshPage(): Promise<string | undefined> {
  // Where it cannot be built it was built before: the image brings it along.
  if (!existsSync(vite) || isFresh()) return undefined;
  try {
    await alone(async () => {
      if (!isFresh()) await build();
    });
  } catch (error) {
    return `The page could not be built, ${existsSync(built) ? "an older one is served" : "the market opens without one"}: ${(error as Error).message}`;
  }
}

function isFresh(): boolean {
  const { mtimeMs = 0 } = statSync(join(built, "index.html"), { throwIfNoEntry: false }) ?? {};
  return (
    mtimeMs > 0 &&
    ["web", "client", "contracts"].every((folder) => newest(join(root, folder)) <= mtimeMs)
  );
}

/** When the last of its files was written. */
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

async function alone(run: () => Promise<void>): Promise<void> {
  while (!taken()) await pause(50);
  try {
    await run();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function taken(): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const { mtimeMs = Infinity } = statSync(lock, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > buildsWithin) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/** Beside the old one, and then in its place: whoever reads has one or the other. */
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
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve, reject) =>
    child.once("close", resolve).once("error", reject),
  );
  if (code !== 0)
    throw new Error(said.trim().split("\n").find(Boolean) ?? `vite ended with ${String(code)}`);
  if (existsSync(built)) renameSync(built, join(lock, "old"));
  renameSync(fresh, built);
}
