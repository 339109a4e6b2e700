/** Builds the service worker: dist/sw.js, and dist/sw-off.js, which removes it. */
import { join } from "node:path";
import type { Plugin, Rolldown } from "vite";

const sources = join(import.meta.dirname, "src/worker");

/** Inputs of the build by their names. */
export const workers = { sw: join(sources, "sw.ts"), "sw-off": join(sources, "sw-off.ts") };

/** Workers have a fixed address, by which browsers find their next version. */
export const scriptName = ({ name }: { name: string }) =>
  Object.hasOwn(workers, name) ? "[name].js" : "assets/[name].[hash].js";

/** Tells the worker which files the page consists of: its script with all that it can load, its styles and its icon. */
export function shellOfWorker(): Plugin {
  return {
    name: "shell-of-worker",
    apply: "build",
    generateBundle(_options, bundle) {
      const page = bundle[entryOf(bundle, "index")] as Rolldown.OutputChunk;
      const worker = bundle[entryOf(bundle, "sw")] as Rolldown.OutputChunk;
      // Browsers run it as a classic script. What it shares with the page would be a file that it imports.
      if (worker.imports.length > 0)
        throw new Error(`The service worker imports ${worker.imports.join(" and ")}.`);
      const styles = page.viteMetadata?.importedCss ?? [];
      const names = [page.fileName, ...page.imports, ...page.dynamicImports, ...styles];
      const shell = {
        script: `/${page.fileName}`,
        files: [...names, "assets/icon.svg"].map((name) => `/${name}`),
      };
      worker.code = worker.code.replaceAll("__SHELL__", JSON.stringify(shell));
    },
  };
}

function entryOf(bundle: Rolldown.OutputBundle, name: string): string {
  const found = Object.values(bundle).find(
    (file) => file.type === "chunk" && file.isEntry && file.name === name,
  );
  if (!found) throw new Error(`The build has no entry ${name}.`);
  return found.fileName;
}
