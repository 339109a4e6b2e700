/** How the page is built: into dist/, with everything but the HTML under assets/, each text file also compressed. */
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const inputs = ["index.html", "docs.html"]
  .map((page) => join(import.meta.dirname, page))
  .filter((page) => existsSync(page));

/** For `vite dev`, which serves the page from its sources: everything else is the market's, at its usual address. */
const market = { target: "http://127.0.0.1:3000", changeOrigin: true };
const paths = [
  "/users",
  "/market",
  "/notifications",
  "/health",
  "/config.json",
  "/openapi.json",
  "/asyncapi.json",
];

/** A hash between two points is what api knows a file by that never changes (edge/static-files.ts). */
const script = "assets/[name].[hash].js";
const other = "assets/[name].[hash][extname]";

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    assetsDir: "assets",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: inputs,
      output: { entryFileNames: script, chunkFileNames: script, assetFileNames: other },
    },
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(paths.map((path) => [path, market])) },
  plugins: [compressed()],
});

/** Beside each file that shrinks, its .gz and .br: the server sends them as they are. */
function compressed(): Plugin {
  let folder = "";
  return {
    name: "compressed",
    apply: "build",
    configResolved: ({ root, build }) => void (folder = resolve(root, build.outDir)),
    async closeBundle() {
      for (const file of await readdir(folder, { recursive: true }))
        if (/\.(js|css|svg|html|json|webmanifest)$/.test(file)) await compress(join(folder, file));
    },
  };
}

async function compress(path: string): Promise<void> {
  const bytes = await readFile(path);
  // The best takes seconds for a large file, and somebody waits for the market to open.
  const quality = bytes.length > 200_000 ? 9 : 11;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  await writeFile(`${path}.br`, brotliCompressSync(bytes, { params }));
}
