/** Builds the page when it is missing or older than its sources. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildOnce, hasVite, newest } from "./vite-build.ts";

const root = join(import.meta.dirname, "..");
const page = join(root, "web");
const folder = join(page, "dist");

/** Builds the page if needed. Never rejects, because Souk also works without a page; returns a sentence about a failure. */
export async function freshPage(): Promise<string | undefined> {
  if (!hasVite()) return undefined;
  const [config, lock] = [join(page, "vite.config.ts"), join(page, ".building")];
  try {
    await buildOnce({ folder, config, lock, isFresh });
  } catch (error) {
    const effect = existsSync(folder) ? "an older one is served" : "none is served";
    return `The page could not be built, so ${effect}: ${(error as Error).message}`;
  }
}

function isFresh(): boolean {
  const { mtimeMs = 0 } = statSync(join(folder, "index.html"), { throwIfNoEntry: false }) ?? {};
  return (
    mtimeMs > 0 &&
    ["web", "client", "contracts"].every((source) => newest(join(root, source)) <= mtimeMs)
  );
}
