/** Builds the package: one ES module, with socket.io-client as its only import, and one declaration file that imports nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import ts from "typescript";
import { build } from "vite";
import { checkDeclarations } from "./build/check.ts";
import { declarations } from "./build/declarations.ts";

const root = join(import.meta.dirname, "..");
const entry = join(import.meta.dirname, "index.ts");
const dist = join(import.meta.dirname, "dist");
const types = join(dist, "index.d.ts");

await build({
  configFile: false,
  logLevel: "warn",
  root,
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: "es2022",
    minify: false, // The page that uses the client minifies all of its code.
    lib: { entry, formats: ["es"], fileName: () => "index.js" },
    rolldownOptions: { external: ["socket.io-client"] },
  },
});

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
writeFileSync(types, await format(declarations(entry, options), { parser: "typescript" }));
checkDeclarations(types, "souk-client", example());

/** The code in the package's README. */
function example(): string {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
  return /```ts\n([^]*?)```/.exec(readme)![1]!;
}
