/** Builds the page into dist/, with all files except the HTML under assets/ and a compressed copy of each text file. */
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { sentencesIn } from "./src/sentences.ts";
import type { texts } from "./src/texts/en.ts";
import { scriptName, shellOfWorker, workers } from "./worker-build.ts";

const pages = ["index", "docs"]
  .map((name) => [name, join(import.meta.dirname, `${name}.html`)] as const)
  .filter(([, page]) => existsSync(page));

/** `vite dev` serves the page from its sources and forwards all other requests to a market at its default address. */
const market = { target: "http://127.0.0.1:3000", changeOrigin: true };
const marketPaths = [
  "/users",
  "/market",
  "/notifications",
  "/health",
  "/config.json",
  "/openapi.json",
  "/asyncapi.json",
  "/robots.txt",
  "/sitemap.xml",
  "/sitemaps",
];

/** The API recognises immutable files by the hash between two dots (edge/static-files.ts). */
const chunk = "assets/[name].[hash].js";
const other = "assets/[name].[hash][extname]";

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    assetsDir: "assets",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { ...Object.fromEntries(pages), ...workers },
      output: { entryFileNames: scriptName, chunkFileNames: chunk, assetFileNames: other },
    },
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(marketPaths.map((path) => [path, market])) },
  plugins: [withoutScript(), shellOfWorker(), compressed()],
});

const languages = join(import.meta.dirname, "src/texts");

/** Says in every language that the page needs JavaScript: only JavaScript knows the visitor's. */
function withoutScript(): Plugin {
  const link = (href: string, label: string) => `<a href="${href}">${label}</a>`;
  const sentence = async (file: string) => {
    const language = basename(file, ".ts");
    const module = (await import(join(languages, file))) as { texts: typeof texts };
    const { frame, direction } = module.texts(sentencesIn(language));
    return `<p lang="${language}" dir="${direction}">${frame.noScript(link)}</p>`;
  };
  return {
    name: "without-script",
    async transformIndexHtml(html) {
      const sentences = await Promise.all((await readdir(languages)).sort().map(sentence));
      const notice = `<noscript><div class="no-script">${sentences.join("")}</div></noscript>`;
      return html.replace("<!-- no script -->", notice);
    },
  };
}

/** Writes a .gz and a .br copy of each text file, which the server sends. */
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
  // The best quality takes seconds for a large file, and the market waits for the build.
  const quality = bytes.length > 200_000 ? 9 : 11;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  await writeFile(`${path}.br`, brotliCompressSync(bytes, { params }));
}
