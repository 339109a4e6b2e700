/** TypeBox has 537 modules. Node loads them in 160 ms and 22 MB; bundled, in 10 ms and 6 MB (docs/decisions/021). */
import { existsSync, readFileSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildOnce, hasVite, newest } from "./vite-build.ts";

const modules = join(import.meta.dirname, "../node_modules");
const entries: Record<string, string> = {
  typebox: "index.mjs",
  "typebox/format": "format.mjs",
  "typebox/schema": "schema.mjs",
};

/**
 * Lets this process import TypeBox from a bundle, which is built when it is missing or older than the package. Never
 * rejects: without a bundle the package itself is used.
 */
export async function bundleTypeBox(): Promise<void> {
  try {
    const folder = folderOfBundle();
    if (hasVite()) await build(folder);
    if (existsSync(join(folder, "index.mjs"))) redirect(folder);
  } catch {
    // For example, node_modules cannot be written.
  }
}

/** A bundle of another version is never used. */
function folderOfBundle(): string {
  const text = readFileSync(join(modules, "typebox/package.json"), "utf8");
  return join(modules, `.cache/typebox-${(JSON.parse(text) as { version: string }).version}`);
}

async function build(folder: string): Promise<void> {
  const config = join(import.meta.dirname, "typebox.config.ts");
  const isFresh = () => {
    const { mtimeMs = 0 } = statSync(join(folder, "index.mjs"), { throwIfNoEntry: false }) ?? {};
    return mtimeMs > 0 && newest(join(modules, "typebox/build"), ".mjs") <= mtimeMs;
  };
  await buildOnce({ folder, config, lock: `${folder}.building`, isFresh });
}

function redirect(folder: string): void {
  registerHooks({
    resolve(specifier, context, next) {
      const entry = Object.hasOwn(entries, specifier) ? entries[specifier] : undefined;
      if (entry === undefined) return next(specifier, context);
      const { href } = pathToFileURL(join(folder, entry));
      return { url: href, format: "module", shortCircuit: true };
    },
  });
}
